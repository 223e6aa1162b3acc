package dev.glora.bridge.benchmarks;

import dev.glora.bridge.PythonInfo;
import dev.glora.bridge.PythonProbe;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import jep.DirectNDArray;
import jep.MainInterpreter;
import jep.NDArray;
import jep.PyConfig;
import jep.SharedInterpreter;
import jep.python.PyCallable;

/**
 * Bare Jep as its documentation shows it: an interpreter on an executor's one thread, functions
 * looked up once, {@link NDArray} for numbers that are copied.
 */
final class JepPeer implements Peer {

  private final ExecutorService thread = Executors.newSingleThreadExecutor();
  private final SharedInterpreter interpreter;
  final PyCallable nothing;
  final PyCallable touch;
  private final PyCallable addOne;

  @SuppressWarnings("unused") // Held for Python.
  private final FloatBuffer small =
      ByteBuffer.allocateDirect(1024).order(ByteOrder.nativeOrder()).asFloatBuffer();

  private float[] large;

  JepPeer() throws Exception {
    PythonInfo python = PythonProbe.ask(Settings.python());
    System.load(python.libpython().toString());
    MainInterpreter.setJepLibraryPath(python.jepLibrary().toString());
    MainInterpreter.setInitParams(PyConfig.python().setProgramName(python.executable().toString()));
    interpreter = onThread(SharedInterpreter::new);
    onThread(
        () -> {
          interpreter.set("modules", Settings.modules().toString());
          interpreter.exec("import os, sys");
          interpreter.exec("os.environ['OMP_NUM_THREADS'] = '" + Settings.threads() + "'");
          interpreter.exec("sys.path.insert(0, modules)");
          interpreter.exec("import bench_functions, torch");
          interpreter.set("small", new DirectNDArray<>(small, 256));
          interpreter.exec("bench_functions.bind(0, torch.from_numpy(small))");
          return null;
        });
    nothing = function("nothing");
    touch = function("touch");
    addOne = function("add_one");
  }

  private PyCallable function(String name) throws Exception {
    return onThread(() -> (PyCallable) interpreter.getValue("bench_functions." + name));
  }

  <T> T onThread(Callable<T> task) throws Exception {
    return thread.submit(task).get();
  }

  @Override
  public void touch() throws Exception {
    onThread(() -> touch.call(0L));
  }

  @Override
  public void prepareToShare() {
    large = new float[Numbers.COUNT];
  }

  @Override
  public double share() throws Exception {
    Numbers.fill(FloatBuffer.wrap(large));
    NDArray<?> result =
        onThread(() -> (NDArray<?>) addOne.call(new NDArray<>(large, Numbers.COUNT)));
    return Numbers.sum(FloatBuffer.wrap((float[]) result.getData()));
  }

  @Override
  public void close() {
    CompletableFuture.runAsync(interpreter::close, thread).join();
    thread.shutdown();
  }
}
