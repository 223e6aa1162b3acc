package dev.glora.report.plot;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How deep in the model a site is. */
final class Depth {
  private static final Pattern NUMBER = Pattern.compile("(?:^|\\.)(\\d{1,6})(?:\\.|$)");

  private Depth() {}

  /** The first number in a site's path, as in {@code encoder.layer.3.query}, else its index. */
  static int of(String site, int index) {
    Matcher found = NUMBER.matcher(site);
    return found.find() ? Integer.parseInt(found.group(1)) : index;
  }
}
