package dev.glora.bridge.worker;

/**
 * What frames say. What the parent asks for is answered by {@link #DONE} or {@link #FAILED}, after
 * any number of {@link #CALLBACK}s, each of which the parent answers by {@link #RETURN} or {@link
 * #THROW}, perhaps after asking for more.
 */
enum Verb {
  // From the parent to the worker.
  /** [backend, python or null, variables and values in turn, module path, statements or null]. */
  OPEN,
  /** A job begins. */
  BEGIN,
  /** [module, name] of a function that will be called; answered by its number. */
  RESOLVE,
  /** [function, program, values]; answered by [program, values]. */
  CALL,
  /** [program, values]: what a Java function returned. */
  RETURN,
  /** [number, class, message]: what a Java function threw. */
  THROW,
  /** [tensors]: answered by those that are still exported. */
  EXPORTED,
  /** Answered once no interruption of this job is on its way any more. */
  DRAIN,
  /** Answered once lines of output that have no end yet are logged. */
  FINISH_OUTPUT,
  /** The job ends; [whether that is to be answered]. */
  END,
  /** Interrupts the job, out of band. */
  INTERRUPT,
  /** Asks for a sign of life, out of band; answered by {@link #PONG}. */
  PING,
  /** No job follows: the worker ends. */
  CLOSE,
  // From the worker to the parent.
  /** [backend's version, Python's version, capabilities, what Python told of itself or null]. */
  OPENED,
  /** The answer. */
  DONE,
  /** [what went wrong, as {@link Outcomes} tells it]. */
  FAILED,
  /** [function, program, values] of a Java function that Python calls. */
  CALLBACK,
  /** A sign of life. */
  PONG,
  /** [function]: Python has let go of a Java function. */
  RELEASED,
  /** [logger, level, message]. */
  LOG
}
