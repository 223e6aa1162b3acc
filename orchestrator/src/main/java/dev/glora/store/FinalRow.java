package dev.glora.store;

import com.fasterxml.jackson.databind.JsonNode;

/**
 * The final evaluation of a run in one mode.
 *
 * @param run the run
 * @param mode {@code inherit}, {@code finetune}, {@code retrain}, or {@code train} for methods
 *     without a search
 * @param primary whether it is the one that counts
 * @param record its contents, see {@link RunStore}
 */
public record FinalRow(String run, String mode, boolean primary, JsonNode record) {}
