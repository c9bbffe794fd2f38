//! `avxc run`: runs a kernel on arrays from files.

use crate::abi::{Buffer, Device, Event, Grid, Kernel, OfflineArg, Value};
use crate::array::{Array, byte_size};
use crate::array_file;
use crate::bind_options::{self, Role, Source, describe};
use crate::cli::{Flag, Invocation};
use crate::dtype::Dtype;
use crate::error::{self, Error, Exit, Result, usage};
use crate::literal;
use crate::output_style::OutputStyle;
use crate::source;
use crate::spec::{self, Spec};
use crate::table;
use avx_gpu::ffi::AVX_BINDING_UNIFORM;
use std::path::PathBuf;
use std::time::Instant;

/// The largest number of timed runs.
const MOST_RUNS: u32 = 1_000_000;

pub(crate) fn run(invocation: &Invocation, style: &OutputStyle) -> Result<()> {
    let grid = grid(invocation)?;
    let repeat = repeat(invocation)?;
    let sources = sources(invocation)?;
    let code = source::read(invocation.file()?, invocation)?;
    let device = Device::open(invocation.one(Flag::Device)).map_err(error::cannot_open)?;
    let kernel = device.kernel(&code)?;
    let args = kernel.args()?;
    let first = sources.iter().find_map(first_input);
    let sources = bind_options::assign(&args, sources)?;
    let blocks = load(&args, sources, first.as_ref())?;

    let arguments = blocks.into_iter().map(|block| upload(&device, block)).collect::<Result<Vec<Argument<'_>>>>()?;
    let values: Vec<Value<'_>> = arguments.iter().map(Argument::value).collect();
    kernel.dispatch(grid, &values)?;
    for argument in &arguments {
        if let Argument::Array(array, buffer) = argument {
            array.download(buffer, style)?;
        }
    }
    // If there are no results to read, nothing has waited so far. The wait returns the error of a kernel that failed.
    device.synchronize()?;
    if repeat > 0 {
        style.print(&times(&device, &kernel, grid, &values, repeat)?)?;
    }
    Ok(())
}

/// The size of the grid.
fn grid(invocation: &Invocation) -> Result<Grid> {
    match (invocation.one(Flag::Groups), invocation.one(Flag::Threads)) {
        (Some(groups), None) => Ok(Grid::Groups(spec::grid("--groups", groups)?)),
        (None, Some(threads)) => Ok(Grid::Threads(spec::grid("--threads", threads)?)),
        (Some(_), Some(_)) => Err(usage("--groups and --threads exclude each other")),
        (None, None) => Err(usage("the size of the grid is missing: give --groups X,Y,Z (workgroups) or --threads X,Y,Z (invocations)")),
    }
}

/// The number of timed runs.
fn repeat(invocation: &Invocation) -> Result<u32> {
    let Some(text) = invocation.one(Flag::Repeat) else { return Ok(0) };
    let count = text.parse().ok().filter(|count| (1..=MOST_RUNS).contains(count));
    count.ok_or_else(|| usage(format!("--repeat {text}: the value must be a number from 1 to {MOST_RUNS}")))
}

/// The data that the command line gives the kernel, in the order of the options.
fn sources(invocation: &Invocation) -> Result<Vec<Source>> {
    let file = |role: Role, text: &str| {
        let spec = spec::parse(role.option(), text)?;
        let option = role.option();
        if spec.like.is_some() && role != Role::Out {
            return Err(usage(format!("{option} {text}: like= is for --out; the file has a type and a shape of its own")));
        }
        if spec.to.is_some() && role != Role::InOut {
            return Err(usage(format!("{option} {text}: to= is for --inout")));
        }
        array_file::format(&spec.path)?;
        spec.to.as_deref().map(array_file::format).transpose()?;
        Ok(Source::File(role, spec))
    };
    let mut sources = Vec::new();
    for (flag, text) in &invocation.given {
        sources.push(match flag {
            Flag::In => file(Role::In, text)?,
            Flag::InOut => file(Role::InOut, text)?,
            Flag::Out => file(Role::Out, text)?,
            Flag::Uniform => {
                let (place, values) = spec::split_place(text);
                Source::Uniform(place, literal::bytes(values).map_err(|why| usage(format!("--uniform {text}: {why}")))?)
            }
            Flag::Push => Source::Push(literal::bytes(text).map_err(|why| usage(format!("--push {text}: {why}")))?),
            _ => continue,
        });
    }
    Ok(sources)
}

/// The file of an input.
fn first_input(source: &Source) -> Option<Spec> {
    match source {
        Source::File(Role::In | Role::InOut, spec) => Some(spec.clone()),
        _ => None,
    }
}

/// The data of an argument.
enum Block {
    /// An array in a buffer.
    Array(InBuffer),
    /// Bytes of a uniform or push-constant block.
    Bytes(Vec<u8>),
}

/// An array in a buffer.
struct InBuffer {
    dtype: Dtype,
    shape: Vec<u64>,
    /// The first content; `None`: zeros.
    content: Option<Vec<u8>>,
    /// The file for the result.
    to: Option<PathBuf>,
    /// Its name in messages.
    label: String,
}

/// Reads the inputs, and determines type and shape of the outputs.
fn load(args: &[OfflineArg], sources: Vec<Source>, first: Option<&Spec>) -> Result<Vec<Block>> {
    // Outputs may take type and shape of inputs, so inputs come first.
    let inputs = args.iter().zip(&sources).map(|(arg, source)| match source {
        Source::File(Role::In | Role::InOut, spec) => {
            let array = array_file::read(&spec.path, spec.dtype, spec.shape.as_deref())?;
            if arg.kind == AVX_BINDING_UNIFORM {
                return Ok(Some(Block::Bytes(array.bytes)));
            }
            let back = matches!(source, Source::File(Role::InOut, _));
            let to = back.then(|| spec.to.as_ref().unwrap_or(&spec.path).clone());
            let label = spec.path.display().to_string();
            Ok(Some(Block::Array(InBuffer { dtype: array.dtype, shape: array.shape, content: Some(array.bytes), to, label })))
        }
        Source::Uniform(_, bytes) | Source::Push(bytes) => Ok(Some(Block::Bytes(bytes.clone()))),
        Source::File(Role::Out, _) => Ok(None),
    });
    let mut blocks = inputs.collect::<Result<Vec<Option<Block>>>>()?;
    let first = sources.iter().position(|source| first.is_some() && first_input(source).as_ref() == first);
    for (at, source) in sources.iter().enumerate() {
        let Source::File(Role::Out, spec) = source else { continue };
        let (dtype, shape) = size_of_output(args, &blocks, spec, first)?;
        let label = spec.path.display().to_string();
        blocks[at] = Some(Block::Array(InBuffer { dtype, shape, content: None, to: Some(spec.path.clone()), label }));
    }
    Ok(blocks.into_iter().flatten().collect())
}

/// Type and shape of an output: those of its option, of another binding, or of the first input.
fn size_of_output(args: &[OfflineArg], blocks: &[Option<Block>], spec: &Spec, first: Option<usize>) -> Result<(Dtype, Vec<u64>)> {
    let out = spec.path.display();
    let model = match &spec.like {
        Some(place) => {
            let at = bind_options::find(args, place);
            Some(at.ok_or_else(|| Error::new(Exit::Kernel, format!("--out {out}:like={place}: the kernel has no argument of that name")))?)
        }
        None => first,
    };
    let model = match model.map(|at| (at, blocks.get(at))) {
        Some((_, Some(Some(Block::Array(array))))) => Some((array.dtype, array.shape.clone())),
        Some((at, _)) if spec.like.is_some() => {
            let what = args.get(at).map(describe).unwrap_or_default();
            return Err(usage(format!("--out {out}: {what} is not an input array, so it gives no type and shape")));
        }
        _ => None,
    };
    match (spec.dtype, &spec.shape, model) {
        (Some(dtype), Some(shape), _) => Ok((dtype, shape.clone())),
        (Some(dtype), None, Some((_, shape))) => Ok((dtype, shape)),
        (None, _, Some(model)) => Ok(model),
        _ => Err(usage(format!("--out {out}: there is no input array that gives type and shape; write {out}:f32:480,640"))),
    }
}

/// An argument on the device.
enum Argument<'a> {
    Array(InBuffer, Buffer<'a>),
    Bytes(Vec<u8>),
}

impl Argument<'_> {
    /// The value for the dispatch.
    fn value(&self) -> Value<'_> {
        match self {
            Argument::Array(_, buffer) => Value::Buffer(buffer),
            Argument::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// Copies an argument to the device.
fn upload(device: &Device, block: Block) -> Result<Argument<'_>> {
    let mut array = match block {
        Block::Array(array) => array,
        Block::Bytes(bytes) => return Ok(Argument::Bytes(bytes)),
    };
    let size = byte_size(array.dtype, &array.shape).ok_or_else(|| array.too_large())?;
    let buffer = device.buffer(size, &array.label)?;
    if let Some(content) = array.content.take() {
        buffer.write(&content)?;
    }
    Ok(Argument::Array(array, buffer))
}

impl InBuffer {
    fn too_large(&self) -> Error {
        let array = Array { dtype: self.dtype, shape: self.shape.clone(), bytes: Vec::new() };
        Error::new(Exit::Kernel, format!("{}: {} is larger than any memory", self.label, array.describe()))
    }

    /// Reads the result and writes it to its file, if it has one.
    fn download(&self, buffer: &Buffer<'_>, style: &OutputStyle) -> Result<()> {
        let Some(to) = &self.to else { return Ok(()) };
        let mut array = Array::zeros(self.dtype, self.shape.clone())?;
        buffer.read(&mut array.bytes)?;
        array_file::write(&array, to)?;
        style.print(&format!("{}: {}\n", to.display(), array.describe()))
    }
}

/// Runs the kernel repeatedly. Returns a line with the times.
fn times(device: &Device, kernel: &Kernel<'_>, grid: Grid, values: &[Value<'_>], runs: u32) -> Result<String> {
    let (start, end): (Event<'_>, Event<'_>) = (device.event()?, device.event()?);
    let (mut on_device, mut outside) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let now = Instant::now();
        start.record()?;
        kernel.dispatch(grid, values)?;
        end.record()?;
        end.wait()?;
        outside.push(u64::try_from(now.elapsed().as_nanos()).unwrap_or(u64::MAX));
        on_device.extend(end.since(&start)?);
    }
    // Either all runs have a time of the device, or none has.
    let (mut times, clock) = match on_device.is_empty() {
        false => (on_device, "measured by the device's clock"),
        true => (outside, "measured by this machine's clock, waiting included, because the device has no clock"),
    };
    times.sort_unstable();
    let (least, most) = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    let median = times.get(times.len() / 2).copied().unwrap_or(0);
    let [median, least, most] = [median, least, most].map(table::time);
    Ok(format!("{median} (median of {runs}, {least} to {most}), {clock}\n"))
}
