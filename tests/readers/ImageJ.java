import ij.ImagePlus;
import ij.io.Opener;

/** Prints what ImageJ makes of each file: pages, height, width, and the value of each pixel. */
public class ImageJ {
    public static void main(String[] paths) {
        for (String path : paths) {
            ImagePlus image = new Opener().openImage(path);
            StringBuilder line = new StringBuilder();
            line.append(image.getStackSize()).append(" ");
            line.append(image.getHeight()).append(" ").append(image.getWidth());
            for (int page = 1; page <= image.getStackSize(); page++) {
                image.setSliceWithoutUpdate(page);
                for (int y = 0; y < image.getHeight(); y++) {
                    for (int x = 0; x < image.getWidth(); x++) {
                        float raw = image.getStack().getProcessor(page).getf(x, y);
                        line.append(" ").append(image.getCalibration().getCValue(raw));
                    }
                }
            }
            System.out.println(line);
        }
    }
}
