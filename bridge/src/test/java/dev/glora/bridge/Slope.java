package dev.glora.bridge;

import java.util.List;

/**
 * How fast something grows, by least squares over means of blocks of samples.
 *
 * <p>Neighbouring samples of a process's memory are alike, which makes the plain error of a
 * regression far too small. Means of blocks are less alike; what is left of that is taken into
 * account by the autocorrelation ρ of neighbouring residuals, which leaves n (1 − ρ) / (1 + ρ)
 * independent ones of n (a first-order autoregression; Santer et al., J. Geophys. Res. 105, 2000).
 *
 * @param perCall the slope
 * @param upperBound the upper end of its 95 % interval
 */
record Slope(double perCall, double upperBound) {

  private static final int BLOCKS = 40;

  /** Student's t for 97.5 %, from one degree of freedom on. */
  private static final double[] T = {
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
    2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
    2.052, 2.048, 2.045, 2.042, 2.040, 2.037, 2.035, 2.032, 2.030, 2.028, 2.026, 2.024
  };

  /**
   * Fits a line.
   *
   * @param samples taken at equal distances
   * @param callsPerSample the distance
   */
  static Slope of(List<Double> samples, long callsPerSample) {
    int size = samples.size() / BLOCKS;
    double[] y = new double[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
      y[i] = mean(samples.subList(i * size, (i + 1) * size));
    }
    double meanX = (BLOCKS - 1) / 2.0;
    double meanY = 0;
    for (double value : y) {
      meanY += value / BLOCKS;
    }
    double sxx = 0;
    double sxy = 0;
    for (int i = 0; i < BLOCKS; i++) {
      sxx += (i - meanX) * (i - meanX);
      sxy += (i - meanX) * (y[i] - meanY);
    }
    double slope = sxy / sxx;
    double squares = 0;
    double products = 0;
    double last = 0;
    for (int i = 0; i < BLOCKS; i++) {
      double residual = y[i] - meanY - slope * (i - meanX);
      squares += residual * residual;
      products += residual * last;
      last = residual;
    }
    double rho = squares == 0 ? 0 : Math.max(0, products / squares);
    double freedom = Math.max(1, BLOCKS * (1 - rho) / (1 + rho) - 2);
    double error = Math.sqrt(squares / freedom / sxx);
    double calls = (double) size * callsPerSample;
    return new Slope(slope / calls, (slope + T[(int) freedom - 1] * error) / calls);
  }

  private static double mean(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
  }
}
