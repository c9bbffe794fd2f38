//! Where a case is carried out: random inputs, arguments with what must come out of them, dispatches, the comparison, and the account
//! of what a device lacks.

use crate::common::random::Random;
use crate::common::*;
use crate::value::{self, Value};
use std::collections::BTreeMap;

/// A kernel with what to do with it.
pub(crate) struct Case {
    /// Topic and name of the text.
    pub(crate) name: &'static str,
    /// The text.
    pub(crate) source: &'static str,
    /// Sets up arguments and dispatches.
    pub(crate) run: fn(&mut Lab<'_>),
}

/// Looks at the bytes that came out of an argument.
type Judge = Box<dyn Fn(&[u8], f64) -> Result<(), String>>;

/// An argument.
struct Argument {
    group: u32,
    binding: u32,
    buffer: Option<avx_buffer>,
    bytes: Vec<u8>,
    judge: Option<Judge>,
}

/// A case in the making. Arguments get the bindings 0, 1, ... of group 0 in the order in which they are named, unless `at` says
/// otherwise; each dispatch gets those that its entry point uses.
pub(crate) struct Lab<'d> {
    device: &'d Device,
    source: &'static str,
    random: Random,
    arguments: Vec<Argument>,
    tolerance: f64,
    dispatches: u32,
    lacking: Option<String>,
}

/// Numbers of workgroups: of x alone, or of all three.
pub(crate) trait Grid {
    /// All three.
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

    /// An argument with bytes that a buffer will hold.
    fn argument(&mut self, bytes: Vec<u8>, judge: Option<Judge>) -> &mut Self {
        let binding = self.arguments.iter().filter(|arg| arg.group == 0).count() as u32;
        let buffer = Some(self.device.buffer_of(&bytes));
        self.arguments.push(Argument { group: 0, binding, buffer, bytes, judge });
        self
    }

    /// A buffer that is read. It must come out as it went in.
    pub(crate) fn read<T: Value>(&mut self, values: &[T]) -> &mut Self {
        let own = value::bytes(values);
        let kept = own.clone();
        self.argument(own, Some(Box::new(move |got, _| if got == kept { Ok(()) } else { Err("an input was written".into()) })))
    }

    /// A buffer of which the kernel must make `want`, where there is nothing sensible before.
    pub(crate) fn write<T: Value>(&mut self, want: &[T]) -> &mut Self {
        let before = vec![0xA5; want.len() * T::SIZE];
        self.argument(before, Some(equal(want)))
    }

    /// A buffer of whose values the kernel must make `want`.
    pub(crate) fn update<T: Value>(&mut self, before: &[T], want: &[T]) -> &mut Self {
        assert_eq!(before.len(), want.len(), "a buffer keeps its size");
        self.argument(value::bytes(before), Some(equal(want)))
    }

    /// A buffer that is judged by what comes out of it.
    pub(crate) fn judge<T: Value>(&mut self, before: &[T], judge: impl Fn(&[T]) -> Result<(), String> + 'static) -> &mut Self {
        self.argument(value::bytes(before), Some(Box::new(move |got, _| judge(&value::values(got)))))
    }

    /// A buffer whose end does not matter.
    pub(crate) fn scratch(&mut self, bytes: usize) -> &mut Self {
        self.argument(vec![0; bytes], None)
    }

    /// Bytes for a uniform block.
    pub(crate) fn bytes<T: Value>(&mut self, values: &[T]) -> &mut Self {
        let binding = self.arguments.iter().filter(|arg| arg.group == 0).count() as u32;
        self.arguments.push(Argument { group: 0, binding, buffer: None, bytes: value::bytes(values), judge: None });
        self
    }

    /// Bytes for the immediate block.
    pub(crate) fn immediate<T: Value>(&mut self, values: &[T]) -> &mut Self {
        self.bytes(values).at(AVX_GROUP_PUSH_CONSTANTS, 0)
    }

    /// Where the last argument belongs.
    pub(crate) fn at(&mut self, group: u32, binding: u32) -> &mut Self {
        let last = self.arguments.last_mut().expect("an argument");
        (last.group, last.binding) = (group, binding);
        self
    }

    /// How near floats must be.
    pub(crate) fn within(&mut self, tolerance: f64) -> &mut Self {
        self.tolerance = tolerance;
        self
    }

    /// Keeps the case to devices with this word in their name; to others it lacks `what`, which no capability tells.
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

    /// Dispatches the entry point of this name.
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
                let story = last_error();
                self.lacking = Some(story.rsplit("AVX_ERROR_UNSUPPORTED: ").next().unwrap_or(&story).to_owned());
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

    /// The argument for a binding of a kernel.
    fn given(&self, wanted: &avx_kernel_arg_properties) -> avx_arg {
        let place = (wanted.group, wanted.binding);
        let own = self.arguments.iter().find(|arg| (arg.group, arg.binding) == place);
        let own = own.unwrap_or_else(|| panic!("the case has nothing for {} at {place:?}", text(&wanted.name)));
        at(own.group, own.binding, own.buffer.map_or_else(|| arg_bytes(&own.bytes), arg_buffer))
    }

    /// Compares what came out, and frees the buffers.
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

/// Compares values one by one, and tells the first that differ.
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

/// What of the corpus lavapipe lacks. Anything else that it skips is a failure, so that nothing is skipped in silence.
const LAVAPIPE_LACKS: &[&str] =
    &["cooperative/product", "cooperative/product_transposed", "cooperative/small_blocks", "cooperative/staged"];

/// Topics that are about what is optional. Of every other one, any device has more than half.
const OPTIONAL: &[&str] = &["types", "subgroups", "cooperative"];

/// Executes the cases of a topic, tells what the device lacks, and fails with all that went wrong.
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
