//! The devices of the machine: the Vulkan instance, which devices are visible, and which of them is opened.

use crate::runtime::base::error::{Error, Result, Status, invalid};
use crate::runtime::base::log;
use crate::sys;
use crate::vulkan::{self, Instance, Snapshot, select};
use std::ffi::OsString;
use std::sync::Arc;

/// The Vulkan instance of the process.
pub(crate) fn instance(validation: bool) -> Result<Arc<Instance>> {
    static SINK: std::sync::Once = std::sync::Once::new();
    SINK.call_once(|| {
        sys::watch_forks();
        vulkan::set_message_sink(|severity, text| {
            let level = match severity {
                vulkan::Severity::Error => log::Level::Error,
                vulkan::Severity::Warning => log::Level::Warn,
            };
            log::line(level, text);
        });
    });
    Ok(Instance::shared(validation || environment_flag("AVX_GPU_VALIDATION"))?)
}

/// True if an environment variable is set, and not to 0.
pub(crate) fn environment_flag(name: &str) -> bool {
    sys::variable(name).and_then(|v| v.into_string().ok()).is_some_and(|v| !v.is_empty() && v != "0")
}

/// The visible devices.
pub(crate) struct Visible {
    /// In the order of their numbers.
    pub(crate) snapshots: Vec<Snapshot>,
    candidates: Vec<select::Candidate>,
    /// All devices of the machine.
    machine: Vec<select::Candidate>,
    /// The value of AVX_GPU_DEVICE, if it has one.
    filter: Option<String>,
}

/// Asks for the visible devices. Errors: InvalidArgument if AVX_GPU_DEVICE cannot be understood, and those of `Instance::snapshots`.
pub(crate) fn visible(instance: &Instance) -> Result<Visible> {
    let filter = filter_of(sys::variable("AVX_GPU_DEVICE"))?;
    let all = instance.snapshots()?;
    let machine: Vec<select::Candidate> = all.iter().map(select::Candidate::of).collect();
    let order = select::visible(&machine, filter.as_deref()).map_err(|e| {
        let e = Error::from(e);
        Error::new(e.status, format!("the environment variable AVX_GPU_DEVICE: {}", e.message))
    })?;
    let candidates: Vec<_> = order.iter().map(|&i| machine[i].clone()).collect();
    let titles = select::titles(&candidates);
    let snapshots = order.into_iter().zip(titles).map(|(i, title)| Snapshot { title, ..all[i].clone() }).collect();
    Ok(Visible { snapshots, candidates, machine, filter })
}

/// The value of AVX_GPU_DEVICE. Blanks are no value.
fn filter_of(value: Option<OsString>) -> Result<Option<String>> {
    match value.map(OsString::into_string).transpose() {
        Ok(value) => Ok(value.filter(|value| !value.trim().is_empty())),
        Err(value) => Err(invalid(format!("the environment variable AVX_GPU_DEVICE is no UTF-8 text: \"{}\"", value.display()))),
    }
}

impl Visible {
    /// Opens the device that is to be opened: `open` gets its number. If neither the program nor AVX_GPU_DEVICE has chosen one and the best
    /// device does not open, the next best one is opened, and a text that names both is returned with it.
    ///
    /// Errors: NoDevice; otherwise that of the best device, with the reasons of all.
    pub(crate) fn open<T>(
        &self,
        selector: Option<&select::Selector>,
        allow_cpu: bool,
        open: impl FnMut(usize) -> Result<T>,
    ) -> Result<(T, Option<String>)> {
        let filter = self.filter.as_deref().map(|value| select::Filter { value, machine: &self.machine });
        let mut ranked = select::ranked(&self.candidates, selector, allow_cpu, filter)?;
        if selector.is_some() || filter.is_some() {
            ranked.truncate(1);
        }
        open_first(&self.candidates, &ranked, open)
    }
}

/// Opens the first device of `ranked` that opens: see [`Visible::open`].
fn open_first<T>(devices: &[select::Candidate], ranked: &[usize], mut open: impl FnMut(usize) -> Result<T>) -> Result<(T, Option<String>)> {
    let mut failed: Vec<(usize, Error)> = Vec::new();
    for &index in ranked {
        match open(index) {
            Ok(opened) => {
                let why = |(index, e): &(usize, Error)| format!("[{index}] {} cannot be opened ({e})", devices[*index]);
                let reasons: Vec<String> = failed.iter().map(why).collect();
                let warning = format!("{}; [{index}] {} is opened in place of it", reasons.join(" and "), devices[index]);
                return Ok((opened, (!failed.is_empty()).then_some(warning)));
            }
            Err(e) => failed.push((index, e)),
        }
    }
    let Some((first, e)) = failed.first() else { return Err(Error::new(Status::NoDevice, "no device can be opened")) };
    if failed.len() == 1 {
        return Err(Error::new(e.status, format!("[{first}] {} cannot be opened: {e}", devices[*first])));
    }
    let all = select::listed(devices, |index, device| match failed.iter().find(|(of, _)| *of == index) {
        Some((_, e)) => Some(format!("cannot be opened: {e}")),
        None => device.usable.as_ref().err().map(|why| format!("cannot be opened: {why}")),
    });
    Err(Error::new(e.status, format!("no device can be opened: {all}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vulkan::DeviceKind;

    fn device(name: &str, kind: DeviceKind, usable: std::result::Result<(), String>) -> select::Candidate {
        select::Candidate { name: name.into(), kind, uuid: [3; 16], pci: None, usable }
    }

    fn machine() -> [select::Candidate; 3] {
        [
            device("soft", DeviceKind::Cpu, Ok(())),
            device("old", DeviceKind::Integrated, Err("its driver has Vulkan 1.0".into())),
            device("fast", DeviceKind::Discrete, Ok(())),
        ]
    }

    fn refuse(index: usize) -> Error {
        Error::new(if index == 2 { Status::Driver } else { Status::OutOfHostMemory }, format!("vkCreateDevice failed for {index}"))
    }

    #[test]
    fn the_next_best_is_opened_with_a_warning_that_names_both() {
        let (opened, warning) = open_first(&machine(), &[2, 0], Ok).unwrap();
        assert!(opened == 2 && warning.is_none());
        let open = |index| if index == 2 { Err(refuse(index)) } else { Ok(index) };
        let (opened, warning) = open_first(&machine(), &[2, 0], open).unwrap();
        let warning = warning.unwrap();
        assert_eq!(opened, 0);
        let first = "[2] \"fast\" (discrete, uuid:03030303030303030303030303030303) cannot be opened (vkCreateDevice failed for 2)";
        assert!(warning.contains(first) && warning.contains("[0] \"soft\" (cpu"), "{warning}");
    }

    #[test]
    fn where_none_opens_each_has_its_reason() {
        let error = open_first(&machine(), &[2, 0], |index| Err::<(), _>(refuse(index))).unwrap_err();
        assert_eq!(error.status, Status::Driver, "that of the best device");
        for part in ["\"fast\"", "failed for 2", "\"soft\"", "failed for 0", "\"old\"", "Vulkan 1.0"] {
            assert!(error.message.contains(part), "{part}: {error}");
        }
        let error = open_first(&machine(), &[0], |index| Err::<(), _>(refuse(index))).unwrap_err();
        assert_eq!(error.status, Status::OutOfHostMemory);
        assert!(error.message.contains("\"soft\"") && !error.message.contains("\"fast\""), "{error}");
    }

    #[test]
    fn a_device_that_was_chosen_is_the_only_one_tried() {
        let visible = |filter: Option<&str>| Visible {
            snapshots: Vec::new(),
            candidates: machine().to_vec(),
            machine: machine().to_vec(),
            filter: filter.map(str::to_owned),
        };
        let tries = |selector: Option<&str>, filter: Option<&str>| {
            let mut tried = Vec::new();
            let selector = selector.map(|text| select::parse(text).unwrap());
            let outcome = visible(filter).open(selector.as_ref(), true, |index| {
                tried.push(index);
                Err::<(), _>(refuse(index))
            });
            assert!(outcome.is_err());
            tried
        };
        assert_eq!(tries(None, None), [2, 0]);
        assert_eq!(tries(Some("fast"), None), [2]);
        assert_eq!(tries(None, Some("kind:cpu,1,2")), [0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_is_an_error() {
        use std::os::unix::ffi::OsStringExt as _;
        let value = OsString::from_vec(vec![b'0', 0xff]);
        let error = filter_of(Some(value)).unwrap_err();
        assert!(error.status == Status::InvalidArgument && error.message.contains("AVX_GPU_DEVICE is no UTF-8"), "{error}");
        assert_eq!(filter_of(Some(" ".into())).unwrap(), None);
        assert_eq!(filter_of(None).unwrap(), None);
        assert_eq!(filter_of(Some("1,0".into())).unwrap().as_deref(), Some("1,0"));
    }
}
