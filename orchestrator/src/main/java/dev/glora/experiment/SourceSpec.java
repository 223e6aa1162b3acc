package dev.glora.experiment;

/**
 * Where a model or data comes from.
 *
 * @param source source string, such as {@code pypi:NAME==VERSION} or {@code local:PATH}
 * @param sha256 expected digest of the fetched file in hexadecimal, or null where the source is one
 *     whose digest the runtime knows
 */
public record SourceSpec(String source, String sha256) {}
