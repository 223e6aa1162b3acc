package dev.glora.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.glora.GloraException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Lists of devices, and which worker gets which. */
class DeviceTest {
  @Test
  void aListNamesDevicesInItsOrder() {
    assertThat(Device.list("cuda:1, cpu,cuda:0"))
        .containsExactly(new Device("cuda", 1), Device.CPU, new Device("cuda", 0))
        .extracting(Device::toString)
        .containsExactly("cuda:1", "cpu", "cuda:0");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'' | has \"\", expected cpu or cuda:N",
        "gpu:0 | has \"gpu:0\"",
        "cuda | has \"cuda\"",
        "cpu,,cpu | has \"\"",
        "cuda:-1 | has \"cuda:-1\"",
        "cuda:0,cuda:00 | names cuda:00 twice",
        "cpu,cpu | names cpu twice"
      })
  void whatIsNoDeviceIsRefused(String list, String part) {
    assertThatThrownBy(() -> Device.list(list))
        .isInstanceOf(GloraException.class)
        .hasMessageContaining(part);
  }

  @Test
  void workersGetDevicesInTurn() {
    List<Device> two = Device.list("cuda:0,cuda:1");
    assertThat(Device.deal(0, two)).isEqualTo(two);
    assertThat(Device.deal(5, two)).extracting(Device::index).containsExactly(0, 1, 0, 1, 0);
    assertThatThrownBy(() -> Device.deal(1, two))
        .hasMessageContaining("2 devices (cuda:0, cuda:1) for 1 worker");
  }

  @Test
  void aWorkerSeesItsOwnDeviceAlone() {
    Device second = new Device("cuda", 1);
    assertThat(second.variables(Map.of())).containsEntry("CUDA_VISIBLE_DEVICES", "1");
    assertThat(second.variables(Map.of("CUDA_VISIBLE_DEVICES", "3,GPU-7")))
        .containsEntry("CUDA_VISIBLE_DEVICES", "GPU-7");
    assertThatThrownBy(() -> second.variables(Map.of("CUDA_VISIBLE_DEVICES", "3")))
        .hasMessageContaining("The device cuda:1 is not there");
    assertThat(Device.CPU.variables(Map.of())).isEmpty();
    assertThat(second.nameFor("cuda:5")).isEqualTo("cuda:0");
    assertThat(Device.CPU.nameFor("auto")).isEqualTo("cpu");
    assertThat(Device.ANY.nameFor("cuda:5")).isEqualTo("cuda:5");
  }

  @Test
  void aRunGoesToWorkersOfItsKind() {
    Device cuda = new Device("cuda", 1);
    assertThat(cuda.fits("cuda:0")).isTrue();
    assertThat(cuda.fits("auto")).isTrue();
    assertThat(cuda.fits("cpu")).isFalse();
    assertThat(Device.CPU.fits("cuda")).isFalse();
    assertThat(Device.ANY.fits("mps")).isTrue();
  }
}
