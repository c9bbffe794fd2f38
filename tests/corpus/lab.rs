//! The harness that runs a case: random inputs, arguments with their expected contents, dispatches, the comparison, and the list of what a
//! device lacks.

use crate::common::random::Random;
use crate::common::*;
use crate::value::{self, Value};
use std::collections::BTreeMap;

/// A kernel and its test.
pub(crate) struct Case {
    /// The topic and the name of the text.
    pub(crate) name: &'static str,
    /// The text of the kernel.
    pub(crate) source: &'static str,
    /// Adds the arguments and the dispatches.
    pub(crate) run: fn(&mut Lab<'_>),
}

/// Checks the bytes of an argument after the dispatches.
type Judge = Box<dyn Fn(&[u8], f64) -> Result<(), String>>;

/// An argument of the kernel.
struct Argument {
    group: u32,
    binding: u32,
    buffer: Option<avx_buffer>,
    bytes: Vec<u8>,
    judge: Option<Judge>,
}

/// A case under construction. Arguments get the bindings 0, 1, ... of group 0 in the order of their definition, unless `at` gives another
/// binding. Each dispatch gets the arguments that its entry point uses.
pub(crate) struct Lab<'d> {
    device: &'d Device,
    source: &'static str,
    random: Random,
    arguments: Vec<Argument>,
    tolerance: f64,
    dispatches: u32,
    lacking: Option<String>,
}

/// The number of workgroups: in x alone, or in all three dimensions.
pub(crate) trait Grid {
    /// The number in each dimension.
    fn groups(self) -> [u32; 3];
}

impl Grid for u32 {
    fn groups(self) -> [u32; 3] {
        [self, 1, 1]
    }
}

impl Grid for [u32; 3] {
    fn groups(self) -> [u32; 3] {
        self
    }
}

impl Lab<'_> {
    /// Random words.
    pub(crate) fn words(&mut self, count: usize) -> Vec<u32> {
        (0..count).map(|_| self.random.word()).collect()
    }

    /// Random words below a bound.
    pub(crate) fn below(&mut self, count: usize, bound: u32) -> Vec<u32> {
        (0..count).map(|_| self.random.word() % bound).collect()
    }

    /// Random integers from -bound to bound.
    pub(crate) fn signed(&mut self, count: usize, bound: i32) -> Vec<i32> {
        (0..count).map(|_| (self.random.word() % (2 * bound.unsigned_abs() + 1)) as i32 - bound).collect()
    }

    /// Random floats from -1 to 1.
    pub(crate) fn floats(&mut self, count: usize) -> Vec<f32> {
        self.between(count, -1.0, 1.0)
    }

    /// Random floats in a range.
    pub(crate) fn between(&mut self, count: usize, low: f32, high: f32) -> Vec<f32> {
        (0..count).map(|_| low + (high - low) * (self.random.word() >> 8) as f32 / 16_777_216.0).collect()
    }

    /// Adds an argument with its initial bytes.
    fn argument(&mut self, bytes: Vec<u8>, judge: Option<Judge>) -> &mut Self {
        let binding = self.arguments.iter().filter(|arg| arg.group == 0).count() as u32;
        let buffer = Some(self.device.buffer_of(&bytes));
        self.arguments.push(Argument { group: 0, binding, buffer, bytes, judge });
        self
    }

    /// Adds a buffer that the kernel reads. Its contents must not change.
    pub(crate) fn read<T: Value>(&mut self, values: &[T]) -> &mut Self {
        let own = value::bytes(values);
        let kept = own.clone();
        self.argument(own, Some(Box::new(move |got, _| if got == kept { Ok(()) } else { Err("an input was written".into()) })))
    }

    /// Adds a buffer that the kernel must fill with `want`. Its initial contents are arbitrary.
    pub(crate) fn write<T: Value>(&mut self, want: &[T]) -> &mut Self {
        let before = vec![0xA5; want.len() * T::SIZE];
        self.argument(before, Some(equal(want)))
    }

    /// Adds a buffer whose values the kernel must change to `want`.
    pub(crate) fn update<T: Value>(&mut self, before: &[T], want: &[T]) -> &mut Self {
        assert_eq!(before.len(), want.len(), "a buffer keeps its size");
        self.argument(value::bytes(before), Some(equal(want)))
    }

    /// Adds a buffer that a function checks after the dispatches.
    pub(crate) fn judge<T: Value>(&mut self, before: &[T], judge: impl Fn(&[T]) -> Result<(), String> + 'static) -> &mut Self {
        self.argument(value::bytes(before), Some(Box::new(move |got, _| judge(&value::values(got)))))
    }

    /// Adds a buffer whose final contents are not checked.
    pub(crate) fn scratch(&mut self, bytes: usize) -> &mut Self {
        self.argument(vec![0; bytes], None)
    }

    /// Adds the bytes of a uniform block.
    pub(crate) fn bytes<T: Value>(&mut self, values: &[T]) -> &mut Self {
        let binding = self.arguments.iter().filter(|arg| arg.group == 0).count() as u32;
        self.arguments.push(Argument { group: 0, binding, buffer: None, bytes: value::bytes(values), judge: None });
        self
    }

    /// Adds the bytes of the immediate block.
    pub(crate) fn immediate<T: Value>(&mut self, values: &[T]) -> &mut Self {
        self.bytes(values).at(AVX_GROUP_PUSH_CONSTANTS, 0)
    }

    /// Sets the group and the binding of the last argument.
    pub(crate) fn at(&mut self, group: u32, binding: u32) -> &mut Self {
        let last = self.arguments.last_mut().expect("an argument");
        (last.group, last.binding) = (group, binding);
        self
    }

    /// Sets the tolerance for floats.
    pub(crate) fn within(&mut self, tolerance: f64) -> &mut Self {
        self.tolerance = tolerance;
        self
    }

    /// Restricts the case to devices with this word in their name. All other devices lack `what`, which no capability tells.
    pub(crate) fn only_on(&mut self, word: &str, what: &str) -> &mut Self {
        if !text(&self.device.info().name).contains(word) {
            self.lacking = Some(format!("known to be there on {word} alone: {what}"));
        } else if std::env::var("AVX_GPU_VALIDATION").is_ok_and(|value| value == "1") {
            self.lacking = Some("layers older than 1.3.255 know no cooperative matrices".into());
        }
        self
    }

    /// Dispatches the only entry point.
    pub(crate) fn run(&mut self, grid: impl Grid) -> &mut Self {
        self.dispatch(None, grid.groups())
    }

    /// Dispatches the entry point with this name.
    pub(crate) fn run_entry(&mut self, entry: &str, grid: impl Grid) -> &mut Self {
        self.dispatch(Some(entry), grid.groups())
    }

    fn dispatch(&mut self, entry: Option<&str>, groups: [u32; 3]) -> &mut Self {
        self.dispatches += 1;
        if self.lacking.is_some() {
            return self;
        }
        let kernel = match self.device.try_kernel(self.source, entry) {
            Ok(kernel) => kernel,
            Err(AVX_ERROR_UNSUPPORTED) => {
                let message = last_error();
                self.lacking = Some(message.rsplit("AVX_ERROR_UNSUPPORTED: ").next().unwrap_or(&message).to_owned());
                return self;
            }
            Err(status) => panic!("{} ({status}): {}", name(status), last_error()),
        };
        let wanted: Vec<_> = (0..kernel_info(kernel).arg_count).map(|index| arg_info(kernel, index)).collect();
        let args: Vec<avx_arg> = wanted.iter().map(|arg| self.given(arg)).collect();
        self.device.dispatch(kernel, groups, &args);
        ok(avx_kernel_free(kernel));
        self
    }

    /// The argument for a binding of the kernel.
    fn given(&self, wanted: &avx_kernel_arg_properties) -> avx_arg {
        let place = (wanted.group, wanted.binding);
        let own = self.arguments.iter().find(|arg| (arg.group, arg.binding) == place);
        let own = own.unwrap_or_else(|| panic!("the case has nothing for {} at {place:?}", text(&wanted.name)));
        at(own.group, own.binding, own.buffer.map_or_else(|| arg_bytes(&own.bytes), arg_buffer))
    }

    /// Compares the results and frees the buffers.
    fn check(&mut self) -> Result<(), String> {
        assert!(self.dispatches > 0, "the case dispatches nothing");
        assert!(self.arguments.iter().any(|arg| arg.judge.is_some()), "the case compares nothing");
        let mut outcome = Ok(());
        for arg in std::mem::take(&mut self.arguments) {
            let Some(buffer) = arg.buffer else { continue };
            if let (None, Some(judge)) = (&self.lacking, arg.judge) {
                let got = self.device.read(buffer, 0, arg.bytes.len());
                let place = |why| format!("group {}, binding {}: {why}", arg.group, arg.binding);
                outcome = outcome.and(judge(&got, self.tolerance).map_err(place));
            }
            ok(avx_free(buffer));
        }
        outcome
    }
}

/// Compares values one by one and reports the first that differ.
fn equal<T: Value>(want: &[T]) -> Judge {
    let want = want.to_vec();
    Box::new(move |got, tolerance| {
        let got: Vec<T> = value::values(got);
        let wrong: Vec<usize> = (0..want.len()).filter(|&i| !got[i].near(want[i], tolerance)).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let shown: Vec<String> = wrong.iter().take(4).map(|&i| format!("[{i}] is {:?}, not {:?}", got[i], want[i])).collect();
        Err(format!("{} of {} values are wrong: {}", wrong.len(), want.len(), shown.join("; ")))
    })
}

/// The parts of the corpus that lavapipe does not support. Skipping anything else is a failure, so that nothing is skipped silently.
const LAVAPIPE_LACKS: &[&str] =
    &["cooperative/product", "cooperative/product_transposed", "cooperative/small_blocks", "cooperative/staged"];

/// Topics about optional features. Any device must support more than half of every other topic.
const OPTIONAL: &[&str] = &["types", "subgroups", "cooperative"];

/// Runs the cases of a topic, reports what the device lacks, and fails with the list of all errors.
pub(crate) fn execute(topic: &str, cases: &[Case]) {
    let Some(device) = Device::open_computing() else { return };
    let whole = std::env::var_os("AVX_GPU_BASELINE").is_none();
    let lavapipe = text(&device.info().name).contains("llvmpipe");
    let mut lacking: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        assert!(case.name.starts_with(&format!("{topic}/")), "{} is in {topic}", case.name);
        let random = Random::new(Random::seed(1 + number as u64));
        let source = case.source;
        let mut lab = Lab { device: &device, source, random, arguments: Vec::new(), tolerance: 0.0, dispatches: 0, lacking: None };
        let carried_out = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (case.run)(&mut lab);
            lab.check()
        }));
        match carried_out {
            Ok(Ok(())) => {}
            Ok(Err(why)) => wrong.push(format!("{}: {why}", case.name)),
            Err(_) => wrong.push(format!("{}: its panic is above", case.name)),
        }
        if let Some(why) = lab.lacking {
            if lavapipe && whole && !LAVAPIPE_LACKS.contains(&case.name) {
                wrong.push(format!("{}: {why}", case.name));
            }
            lacking.entry(why).or_default().push(case.name);
        }
    }
    let lacks = lacking.values().map(Vec::len).sum::<usize>();
    if !OPTIONAL.contains(&topic) && lacks * 2 >= cases.len() {
        wrong.push(format!("{lacks} kernels are lacking"));
    }
    if lacks > 0 {
        let told: Vec<String> = lacking.iter().map(|(why, names)| format!("{}: {why}", names.join(", "))).collect();
        skip(&format!("{lacks} of {} kernels: {}", cases.len(), told.join("; ")));
    }
    assert!(wrong.is_empty(), "{} of {} kernels went wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}
