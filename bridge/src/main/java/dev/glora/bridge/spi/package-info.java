/**
 * What a backend is made of, for those who write one: the owner thread with its queue, cancellation
 * and time limits ({@link dev.glora.bridge.spi.OwnerThread}), the {@link
 * dev.glora.bridge.spi.Engine} that it drives, and the forms in which results and errors cross.
 *
 * <p>A backend implements {@link dev.glora.bridge.PythonRuntimeProvider}, is found by {@link
 * java.util.ServiceLoader}, and passes the contract suite with the capabilities it declares. Users
 * of the bridge need nothing from here.
 */
package dev.glora.bridge.spi;
