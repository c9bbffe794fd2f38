//! Decides which devices are visible, and which of them is opened. The functions are pure and use only a few facts about each device, so
//! they are tested without a GPU.
//!
//! The grammar of a selector, in `avx_device_options.device` and, separated by commas, in AVX_GPU_DEVICE:
//! `2`, `uuid:8e1c...`, `pci:0000:01:00.0`, `kind:discrete`, `name:RTX`, or just `RTX`.

use crate::vulkan::error::{Error, ErrorKind, Result};

/// Kinds of devices, from the first default choice to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum DeviceKind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares its memory with the CPU.
    Integrated,
    /// A GPU shared into a virtual machine.
    Virtual,
    /// A device of no other kind.
    Other,
    /// A software driver.
    Cpu,
}

impl DeviceKind {
    /// The word for messages and selectors.
    pub(crate) fn word(self) -> &'static str {
        match self {
            DeviceKind::Discrete => "discrete",
            DeviceKind::Integrated => "integrated",
            DeviceKind::Virtual => "virtual",
            DeviceKind::Other => "other",
            DeviceKind::Cpu => "cpu",
        }
    }

    /// The kind for Vulkan's device type.
    pub(crate) fn of(device_type: ash::vk::PhysicalDeviceType) -> DeviceKind {
        match device_type {
            ash::vk::PhysicalDeviceType::DISCRETE_GPU => DeviceKind::Discrete,
            ash::vk::PhysicalDeviceType::INTEGRATED_GPU => DeviceKind::Integrated,
            ash::vk::PhysicalDeviceType::VIRTUAL_GPU => DeviceKind::Virtual,
            ash::vk::PhysicalDeviceType::CPU => DeviceKind::Cpu,
            _ => DeviceKind::Other,
        }
    }
}

/// The PCI address of a device: domain, bus, device, function.
pub(crate) type PciAddress = (u32, u32, u32, u32);

/// The facts about a device that a choice depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// The GPU's name.
    pub(crate) name: String,
    /// Its kind.
    pub(crate) kind: DeviceKind,
    /// The device's UUID.
    pub(crate) uuid: [u8; 16],
    /// Its PCI address, if the driver reports it.
    pub(crate) pci: Option<PciAddress>,
    /// Whether it can be opened; the error is the reason.
    pub(crate) usable: std::result::Result<(), String>,
}

impl Candidate {
    /// The facts of a physical device.
    pub(crate) fn of(snapshot: &super::snapshot::Snapshot) -> Candidate {
        Candidate {
            name: snapshot.name.clone(),
            kind: DeviceKind::of(snapshot.properties.device_type),
            uuid: snapshot.uuid,
            pci: snapshot.pci,
            usable: snapshot.usable.clone(),
        }
    }
}

/// A selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selector {
    /// The device at this position.
    Index(usize),
    /// The device with this UUID.
    Uuid([u8; 16]),
    /// The device at this PCI address.
    Pci(PciAddress),
    /// Devices of this kind.
    Kind(DeviceKind),
    /// All devices except CPUs.
    AnyGpu,
    /// Devices whose name contains this text in any case. The text is in lower case.
    Name(String),
}

impl Selector {
    /// Whether the selector matches the device at `index`.
    fn takes(&self, index: usize, device: &Candidate) -> bool {
        match self {
            Selector::Index(wanted) => index == *wanted,
            Selector::Uuid(uuid) => device.uuid == *uuid,
            Selector::Pci(address) => device.pci == Some(*address),
            Selector::Kind(kind) => device.kind == *kind,
            Selector::AnyGpu => device.kind != DeviceKind::Cpu,
            Selector::Name(part) => device.name.to_lowercase().contains(part),
        }
    }
}

/// Parses a selector. Errors: `Invalid`, with an explanation of the grammar.
pub(crate) fn parse(text: &str) -> Result<Selector> {
    let text = text.trim();
    let wrong = |why: &str| {
        Error::new(
            ErrorKind::Invalid,
            format!(
                "the device selector \"{text}\" cannot be understood: {why}. A selector is an index (\"0\"), \"uuid:\" and 32 hexadecimal \
                 digits, \"pci:0000:01:00.0\" (domain, bus, device, function; the domain may be left out), \
                 \"kind:discrete|integrated|virtual|cpu|gpu\", \"name:\" and a part of the name, or just a part of the name"
            ),
        )
    };
    if text.is_empty() {
        return Err(wrong("it is empty"));
    }
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map(Selector::Index).map_err(|_| wrong("the index is too large"));
    }
    let Some((key, value)) = text.split_once(':') else {
        return Ok(Selector::Name(text.to_lowercase()));
    };
    let value = value.trim();
    match key.trim().to_ascii_lowercase().as_str() {
        "uuid" => uuid(value).map(Selector::Uuid).ok_or_else(|| wrong("a UUID is 32 hexadecimal digits, with or without dashes")),
        "pci" => pci(value).map(Selector::Pci).ok_or_else(|| wrong("a PCI address is [dddd:]bb:dd.f, in hexadecimal digits")),
        "kind" => kind(value).ok_or_else(|| wrong("this is not a kind of device")),
        "name" if value.is_empty() => Err(wrong("the name is empty")),
        "name" => Ok(Selector::Name(value.to_lowercase())),
        _ => Err(wrong("the word before the colon is not known (write \"name:\" before a name that has a colon)")),
    }
}

/// Parses the 16 bytes of a UUID, which may have dashes anywhere.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Option<Vec<u8>> = text.chars().filter(|&c| c != '-').map(|c| c.to_digit(16).map(|d| d as u8)).collect();
    let digits: [u8; 32] = digits?.try_into().ok()?;
    Some(std::array::from_fn(|i| digits[2 * i] << 4 | digits[2 * i + 1]))
}

/// Parses `[dddd:]bb:dd.f`, hexadecimal as lspci prints it.
fn pci(text: &str) -> Option<PciAddress> {
    let hex = |digits: &str, most: usize| {
        let plain = (1..=most).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        plain.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
    };
    let (rest, function) = text.rsplit_once('.')?;
    let parts: Vec<&str> = rest.split(':').collect();
    let (domain, bus, device) = match parts[..] {
        [bus, device] => ("0", bus, device),
        [domain, bus, device] => (domain, bus, device),
        _ => return None,
    };
    Some((hex(domain, 8)?, hex(bus, 2)?, hex(device, 2)?, hex(function, 1)?))
}

fn kind(word: &str) -> Option<Selector> {
    Some(match word.to_ascii_lowercase().as_str() {
        "discrete" => Selector::Kind(DeviceKind::Discrete),
        "integrated" => Selector::Kind(DeviceKind::Integrated),
        "virtual" => Selector::Kind(DeviceKind::Virtual),
        "cpu" => Selector::Kind(DeviceKind::Cpu),
        "gpu" => Selector::AnyGpu,
        _ => return None,
    })
}

/// Whether AVX_GPU_DEVICE has a value, so that its order counts.
fn is_ordered(environment: Option<&str>) -> bool {
    environment.is_some_and(|text| !text.trim().is_empty())
}

/// The positions in `devices` of the visible devices, in their order. `environment` is the value of AVX_GPU_DEVICE: selectors, separated by
/// commas. Each selector adds the devices that it matches and that are not in the list yet, in the driver's order. If it is unset or empty,
/// all devices are visible. Errors: `Invalid` if a selector cannot be parsed.
pub(crate) fn visible(devices: &[Candidate], environment: Option<&str>) -> Result<Vec<usize>> {
    let Some(text) = environment.filter(|_| is_ordered(environment)) else {
        return Ok((0..devices.len()).collect());
    };
    let mut seen = Vec::new();
    // An empty part comes from an extra comma, which does no harm.
    for part in text.split(',').filter(|part| !part.trim().is_empty()) {
        let selector = parse(part)?;
        for (index, device) in devices.iter().enumerate() {
            if selector.takes(index, device) && !seen.contains(&index) {
                seen.push(index);
            }
        }
    }
    Ok(seen)
}

/// AVX_GPU_DEVICE, where it is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter<'a> {
    /// Its value.
    pub(crate) value: &'a str,
    /// All devices of the machine, whether they are visible or not.
    pub(crate) machine: &'a [Candidate],
}

/// The positions in `devices`, which are the visible ones in order, of those that may be opened, from the best to the last.
///
/// An index selects exactly that device. Otherwise these are the usable devices that `selector` matches (`None`: all), in the order discrete,
/// integrated, virtual, other, CPU. If the environment gives the order (`filter`), it is kept. CPUs are excluded unless `allow_cpu` is set.
///
/// Errors: `NoDevice` if there is none, with each device and the reason why it was not chosen.
pub(crate) fn ranked(
    devices: &[Candidate],
    selector: Option<&Selector>,
    allow_cpu: bool,
    filter: Option<Filter<'_>>,
) -> Result<Vec<usize>> {
    let refusal = |index: usize, device: &Candidate| -> Option<String> {
        if selector.is_some_and(|s| !s.takes(index, device)) {
            return Some("does not fit the selector".into());
        }
        if !allow_cpu && device.kind == DeviceKind::Cpu {
            return Some("is a CPU, and AVX_CREATE_NO_CPU excludes those".into());
        }
        device.usable.as_ref().err().map(|why| format!("cannot be opened: {why}"))
    };
    let mut fitting: Vec<usize> = (0..devices.len()).filter(|&index| refusal(index, &devices[index]).is_none()).collect();
    if filter.is_none() {
        fitting.sort_by_key(|&index| devices[index].kind);
    }
    if !fitting.is_empty() {
        return Ok(fitting);
    }
    let wanted = selector.map_or("no device can be opened".to_owned(), |s| format!("no device can be opened for the selector {s}"));
    let hint = match selector {
        Some(Selector::Index(index)) if *index >= devices.len() => format!(" (a part of a name that is a number is \"name:{index}\")"),
        _ => String::new(),
    };
    let why = match (devices, filter) {
        ([], Some(Filter { value, machine })) => {
            let all = listed(machine, |_, device| device.usable.as_ref().err().map(|why| format!("cannot be opened: {why}")));
            format!("AVX_GPU_DEVICE=\"{value}\" in the environment matches no device, and hides those of this machine: {all}")
        }
        ([], None) => "there are none".to_owned(),
        (_, Some(Filter { value, .. })) => {
            format!("AVX_GPU_DEVICE=\"{value}\" in the environment leaves these visible: {}", listed(devices, refusal))
        }
        (_, None) => format!("visible: {}", listed(devices, refusal)),
    };
    Err(Error::new(ErrorKind::NoDevice, format!("{wanted}{hint}; {why}")))
}

/// The devices with their numbers, each with a remark if there is one.
pub(crate) fn listed(devices: &[Candidate], remark: impl Fn(usize, &Candidate) -> Option<String>) -> String {
    let one = |(index, device): (usize, &Candidate)| match remark(index, device) {
        Some(remark) => format!("[{index}] {device} {remark}"),
        None => format!("[{index}] {device}"),
    };
    devices.iter().enumerate().map(one).collect::<Vec<_>>().join("; ")
}

/// The name of each visible device in messages. Where several have one name, the number and the address of each are added.
pub(crate) fn titles(devices: &[Candidate]) -> Vec<String> {
    let title = |(index, device): (usize, &Candidate)| match devices.iter().filter(|other| other.name == device.name).count() {
        0..=1 => device.name.clone(),
        _ => format!("{} [{index}, {}]", device.name, Address(device)),
    };
    devices.iter().enumerate().map(title).collect()
}

/// Writes the PCI address of a device, or its UUID if it has none.
struct Address<'a>(&'a Candidate);

impl std::fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((domain, bus, device, function)) = self.0.pci {
            return write!(f, "pci:{domain:04x}:{bus:02x}:{device:02x}.{function:x}");
        }
        f.write_str("uuid:")?;
        self.0.uuid.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Display for Candidate {
    /// Writes name, kind and address, so that two GPUs of the same name can be distinguished.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "\"{}\" ({}, {})", self.name, self.kind.word(), Address(self))
    }
}

impl std::fmt::Display for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Selector::Index(index) => write!(f, "\"{index}\""),
            Selector::Uuid(uuid) => {
                f.write_str("\"uuid:")?;
                uuid.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                f.write_str("\"")
            }
            Selector::Pci((domain, bus, device, function)) => write!(f, "\"pci:{domain:04x}:{bus:02x}:{device:02x}.{function:x}\""),
            Selector::Kind(kind) => write!(f, "\"kind:{}\"", kind.word()),
            Selector::AnyGpu => f.write_str("\"kind:gpu\""),
            Selector::Name(part) => write!(f, "\"name:{part}\""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str, kind: DeviceKind, number: u8) -> Candidate {
        let pci = (kind != DeviceKind::Cpu).then_some((0, u32::from(number), 0, 0));
        Candidate { name: name.into(), kind, uuid: [number; 16], pci, usable: Ok(()) }
    }

    /// A CPU first, as drivers have it at times, and two alike GPUs.
    fn machine() -> Vec<Candidate> {
        vec![
            device("llvmpipe (LLVM 15)", DeviceKind::Cpu, 9),
            device("Intel(R) Iris(R) Xe", DeviceKind::Integrated, 2),
            device("NVIDIA GeForce RTX 4090", DeviceKind::Discrete, 0x41),
            device("NVIDIA GeForce RTX 4090", DeviceKind::Discrete, 0x61),
        ]
    }

    /// The best device. With `ordered`, the environment gives the order.
    fn choose(devices: &[Candidate], selector: Option<&Selector>, allow_cpu: bool, ordered: bool) -> Result<usize> {
        let machine = machine();
        let filter = ordered.then_some(Filter { value: "99", machine: &machine });
        ranked(devices, selector, allow_cpu, filter).map(|order| order[0])
    }

    fn pick(text: &str) -> Result<usize> {
        choose(&machine(), Some(&parse(text).unwrap()), true, false)
    }

    #[test]
    fn grammar() {
        assert_eq!(parse(" 12 ").unwrap(), Selector::Index(12));
        let bytes = [0x8e, 0x1c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0xfd];
        assert_eq!(parse("uuid:8e1c0001-0203-0405-0607-08090A0B0CFD").unwrap(), Selector::Uuid(bytes));
        assert_eq!(parse("UUID:8e1c00010203040506070809 0a0b0cfd".replace(' ', "").as_str()).unwrap(), Selector::Uuid(bytes));
        assert_eq!(parse("pci:0000:41:00.0").unwrap(), Selector::Pci((0, 0x41, 0, 0)));
        assert_eq!(parse("pci:c1:1f.7").unwrap(), Selector::Pci((0, 0xc1, 0x1f, 7)));
        assert_eq!(parse("pci:10000:01:00.0").unwrap(), Selector::Pci((0x10000, 1, 0, 0)));
        assert_eq!(parse("kind:CPU").unwrap(), Selector::Kind(DeviceKind::Cpu));
        assert_eq!(parse("kind:gpu").unwrap(), Selector::AnyGpu);
        assert_eq!(parse("name: 4090 ").unwrap(), Selector::Name("4090".into()));
        assert_eq!(parse("GeForce RTX").unwrap(), Selector::Name("geforce rtx".into()));
    }

    #[test]
    fn nonsense_is_explained() {
        let long = "9".repeat(40);
        for text in [
            "",
            "  ",
            &long,
            "uuid:12",
            "uuid:zz1c00010203040506070809aabbccdd",
            "uuid:8e1c00010203040506070809aabbccdd00",
            "pci:1",
            "pci:41:00",
            "pci:0000:41:00.99",
            "pci:+1:00.0",
            "pci:0:0:41:00.0",
            "pci:",
            "kind:fast",
            "name:",
            "vendor:amd",
            ":",
            "uuid:é",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Invalid, "{text}");
            assert!(error.message.contains("kind:discrete|integrated|virtual|cpu|gpu"), "{error}");
        }
    }

    #[test]
    fn default_is_the_best_kind_then_the_first() {
        assert_eq!(choose(&machine(), None, true, false).unwrap(), 2);
        assert_eq!(choose(&machine()[..2], None, true, false).unwrap(), 1);
        assert_eq!(choose(&machine()[..1], None, true, false).unwrap(), 0);
        let kinds = [DeviceKind::Cpu, DeviceKind::Other, DeviceKind::Virtual, DeviceKind::Integrated, DeviceKind::Discrete];
        let all: Vec<Candidate> = kinds.iter().map(|&kind| device("x", kind, 1)).collect();
        for count in 1..=all.len() {
            assert_eq!(choose(&all[..count], None, true, false).unwrap(), count - 1);
        }
    }

    #[test]
    fn the_next_best_come_behind_the_best() {
        assert_eq!(ranked(&machine(), None, true, None).unwrap(), [2, 3, 1, 0]);
        assert_eq!(ranked(&machine(), None, false, None).unwrap(), [2, 3, 1]);
        assert_eq!(ranked(&machine(), Some(&Selector::AnyGpu), true, Some(Filter { value: "x", machine: &[] })).unwrap(), [1, 2, 3]);
        assert_eq!(ranked(&machine(), Some(&Selector::Index(3)), true, None).unwrap(), [3]);
    }

    #[test]
    fn selectors_pick() {
        assert_eq!(pick("0").unwrap(), 0);
        assert_eq!(pick("3").unwrap(), 3);
        assert_eq!(pick("rtx").unwrap(), 2);
        assert_eq!(pick("pci:61:00.0").unwrap(), 3);
        assert_eq!(pick("uuid:61616161616161616161616161616161").unwrap(), 3);
        assert_eq!(pick("kind:cpu").unwrap(), 0);
        assert_eq!(pick("kind:gpu").unwrap(), 2);
        assert_eq!(pick("name:iris").unwrap(), 1);
        assert_eq!(pick("LLVM").unwrap(), 0);
    }

    #[test]
    fn unusable_devices_are_passed_over_unless_named() {
        let mut devices = machine();
        devices[2].usable = Err("its driver has Vulkan 1.0".into());
        assert_eq!(choose(&devices, None, true, false).unwrap(), 3);
        assert_eq!(choose(&devices, Some(&parse("RTX 4090").unwrap()), true, false).unwrap(), 3);
        let error = choose(&devices, Some(&Selector::Index(2)), true, false).unwrap_err();
        assert_eq!(error.kind, ErrorKind::NoDevice);
        assert!(
            error
                .message
                .contains("[2] \"NVIDIA GeForce RTX 4090\" (discrete, pci:0000:41:00.0) cannot be opened: its driver has Vulkan 1.0"),
            "{error}"
        );
        assert!(error.message.contains("pci:0000:61:00.0) does not fit the selector"), "{error}");
    }

    #[test]
    fn no_cpu_means_no_cpu() {
        let error = choose(&machine()[..1], None, false, false).unwrap_err();
        assert!(error.message.contains("AVX_CREATE_NO_CPU"), "{error}");
        assert_eq!(choose(&machine(), Some(&Selector::Index(0)), false, false).unwrap_err().kind, ErrorKind::NoDevice);
        assert_eq!(choose(&machine(), None, false, false).unwrap(), 2);
        assert_eq!(choose(&machine()[..1], Some(&Selector::AnyGpu), true, false).unwrap_err().kind, ErrorKind::NoDevice);
    }

    #[test]
    fn nothing_to_choose_from() {
        assert!(choose(&[], None, true, false).unwrap_err().message.contains("there are none"));
        let mut machine = machine();
        machine[1].usable = Err("its driver has Vulkan 1.0".into());
        let error = ranked(&[], None, true, Some(Filter { value: "99", machine: &machine })).unwrap_err();
        let parts = ["AVX_GPU_DEVICE=\"99\"", "[0] \"llvmpipe (LLVM 15)\" (cpu, uuid:0909", "Vulkan 1.0; [2] \"NVIDIA", "[3] \"NVIDIA"];
        for part in parts {
            assert!(error.message.contains(part), "{part}: {error}");
        }
        let error = choose(&machine, Some(&parse("4090").unwrap()), true, false).unwrap_err();
        assert!(error.kind == ErrorKind::NoDevice && error.message.contains("\"name:4090\""), "{error}");
    }

    #[test]
    fn environment_filters_and_orders() {
        let show = |text: &str| visible(&machine(), Some(text)).unwrap();
        assert_eq!(visible(&machine(), None).unwrap(), [0, 1, 2, 3]);
        assert_eq!(show(""), [0, 1, 2, 3]);
        assert_eq!(show("  "), [0, 1, 2, 3]);
        assert_eq!(show("3,0"), [3, 0]);
        assert_eq!(show("3, name:4090, 3"), [3, 2]);
        assert_eq!(show("kind:integrated,kind:gpu,"), [1, 2, 3]);
        assert_eq!(show("7"), Vec::<usize>::new());
        let error = visible(&machine(), Some("1,uuid:x")).unwrap_err();
        assert!(error.kind == ErrorKind::Invalid && error.message.contains("\"uuid:x\""), "{error}");
    }

    #[test]
    fn order_of_the_environment_wins_over_kinds() {
        let seen = visible(&machine(), Some("kind:cpu,1,2")).unwrap();
        let devices: Vec<Candidate> = seen.iter().map(|&i| machine()[i].clone()).collect();
        assert_eq!(choose(&devices, None, true, true).unwrap(), 0);
        assert_eq!(choose(&devices, None, false, true).unwrap(), 1);
        assert_eq!(choose(&devices, Some(&parse("rtx").unwrap()), true, true).unwrap(), 2);
        assert!(is_ordered(Some("1")) && !is_ordered(Some(" ")) && !is_ordered(None));
    }

    #[test]
    fn alike_devices_print_apart() {
        let devices = machine();
        assert_ne!(devices[2].to_string(), devices[3].to_string());
        assert!(devices[0].to_string().contains("uuid:0909"));
        let titles = titles(&devices);
        assert_eq!(titles[1], "Intel(R) Iris(R) Xe");
        assert_eq!(titles[2], "NVIDIA GeForce RTX 4090 [2, pci:0000:41:00.0]");
        assert_eq!(titles[3], "NVIDIA GeForce RTX 4090 [3, pci:0000:61:00.0]");
        for text in ["3", "uuid:61616161616161616161616161616161", "pci:0000:61:00.0", "kind:gpu", "kind:virtual", "name:iris"] {
            assert_eq!(parse(text).unwrap().to_string(), format!("\"{text}\""));
        }
    }
}
