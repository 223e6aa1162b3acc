package dev.glora.run;

import dev.glora.GloraException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a worker computes on: the processor, one CUDA device, or, where none was named for it,
 * whatever a run asks for.
 *
 * <p>A worker with a device does the runs whose {@code runtime.device} is of its kind, whatever the
 * number there. On a CUDA device it sees that one alone, under the number 0.
 *
 * @param kind {@code cpu}, {@code cuda} or {@code any}
 * @param index number of the CUDA device among those that this process may use, else 0
 */
public record Device(String kind, int index) {
  /** The processor. */
  public static final Device CPU = new Device("cpu", 0);

  /** Whatever a run asks for. */
  public static final Device ANY = new Device("any", 0);

  private static final String AUTO = "auto";

  private static final String VISIBLE = "CUDA_VISIBLE_DEVICES";

  /**
   * Reads a list of devices.
   *
   * @param text such as {@code cpu} or {@code cuda:0,cuda:1}
   * @return the devices, in the order of the list
   * @throws GloraException if an entry is no device, or a CUDA device is named twice
   */
  public static List<Device> list(String text) {
    List<Device> devices = new ArrayList<>();
    for (String word : text.split(",", -1)) {
      String name = word.strip();
      if (!name.equals("cpu") && !name.matches("cuda:\\d{1,4}")) {
        throw GloraException.usage(
            "The list of devices \""
                + text
                + "\" has \""
                + name
                + "\", expected cpu or cuda:N, such as cuda:0,cuda:1.");
      }
      Device device =
          name.equals("cpu") ? CPU : new Device("cuda", Integer.parseInt(name.substring(5)));
      if (devices.contains(device)) {
        throw GloraException.usage(
            "The list of devices \""
                + text
                + "\" names "
                + name
                + " twice: name each once, and set the number of workers with --workers.");
      }
      devices.add(device);
    }
    return List.copyOf(devices);
  }

  /**
   * Deals devices out to workers, in turn.
   *
   * @param workers how many workers; 0 for one each
   * @param devices the devices
   * @return a device for each worker
   * @throws GloraException if a device would have no worker
   */
  public static List<Device> deal(int workers, List<Device> devices) {
    int count = workers == 0 ? devices.size() : workers;
    if (count < devices.size()) {
      throw GloraException.usage(
          "There are "
              + devices.size()
              + " devices ("
              + String.join(", ", devices.stream().map(Device::toString).toList())
              + ") for "
              + count
              + (count == 1 ? " worker" : " workers")
              + ": name as many workers as devices, or more.");
    }
    List<Device> dealt = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      dealt.add(devices.get(i % devices.size()));
    }
    return List.copyOf(dealt);
  }

  /**
   * Variables that show a worker its device alone.
   *
   * @param environment variables of this process, which may have some of the devices only
   * @return variables for the worker's environment
   */
  Map<String, String> variables(Map<String, String> environment) {
    if (!kind.equals("cuda")) {
      return Map.of();
    }
    String visible = environment.getOrDefault(VISIBLE, "").strip();
    String own = Integer.toString(index);
    if (!visible.isEmpty()) {
      String[] names = visible.split(",", -1);
      if (index >= names.length) {
        throw GloraException.usage(
            "The device "
                + this
                + " is not there: "
                + VISIBLE
                + " is \""
                + visible
                + "\", which has cuda:0 to cuda:"
                + (names.length - 1)
                + ".");
      }
      own = names[index].strip();
    }
    // The order of nvidia-smi, whatever the speed of the devices.
    return Map.of(VISIBLE, own, "CUDA_DEVICE_ORDER", "PCI_BUS_ID");
  }

  /**
   * Whether a run may be done on it.
   *
   * @param asked the run's {@code runtime.device}
   */
  boolean fits(String asked) {
    return this.equals(ANY) || asked.equals(AUTO) || asked.split(":", -1)[0].equals(kind);
  }

  /**
   * The device by the name under which a run finds it in the worker.
   *
   * @param asked the run's {@code runtime.device}
   */
  String nameFor(String asked) {
    return this.equals(ANY) ? asked : toString().replaceFirst(":.*", ":0");
  }

  /** As it is written on the command line. */
  @Override
  public String toString() {
    return kind.equals("cuda") ? kind + ":" + index : kind;
  }
}
