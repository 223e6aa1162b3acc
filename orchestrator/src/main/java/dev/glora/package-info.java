/** Experiments, search, runs and results of generalised LoRA. */
package dev.glora;
