package dev.glora.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.glora.Json;
import dev.glora.train.ParameterTotals;

/** The {@code parameters} section of a run and of a final. */
final class ParameterSection {
  private ParameterSection() {}

  /**
   * Writes the section.
   *
   * @param model entries of the opened model, a supernet with all its forms among them
   * @param stored entries of the adapter that is used
   * @param folded the same with C, D and E as one bias
   * @return {@code trainable, adapter, stored, folded, head, total}
   */
  static ObjectNode of(ParameterTotals model, long stored, long folded) {
    long body = model.total() - model.trainable();
    return Json.object()
        .put("trainable", stored + model.head())
        .put("adapter", stored)
        .put("stored", stored)
        .put("folded", folded)
        .put("head", model.head())
        .put("total", body + stored + model.head());
  }
}
