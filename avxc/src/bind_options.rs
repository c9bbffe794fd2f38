//! Decides which option of the command line belongs to which argument of a kernel.

use crate::abi::OfflineArg;
use crate::error::{Error, Exit, Result};
use crate::spec::{Place, Spec};
use avx_gpu::ffi::*;

/// How a binding is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The binding starts with the array of a file.
    In,
    /// The binding starts with the array of a file, and its result is written to a file.
    InOut,
    /// The binding starts as zeros, and its result is written to a file.
    Out,
}

impl Role {
    /// The name of the option.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Role::In => "--in",
            Role::InOut => "--inout",
            Role::Out => "--out",
        }
    }
}

/// The source of the data of an argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// A file.
    File(Role, Spec),
    /// The bytes of a uniform block, with its binding if the option names one.
    Uniform(Option<Place>, Vec<u8>),
    /// The bytes of the push-constant block.
    Push(Vec<u8>),
}

impl Source {
    fn option(&self) -> &'static str {
        match self {
            Source::File(role, _) => role.option(),
            Source::Uniform(..) => "--uniform",
            Source::Push(_) => "--push",
        }
    }

    fn place(&self) -> Option<&Place> {
        match self {
            Source::File(_, spec) => spec.place.as_ref(),
            Source::Uniform(place, _) => place.as_ref(),
            Source::Push(_) => None,
        }
    }

    /// Whether this source can go to an argument of this kind without naming it.
    fn suits(&self, kind: u32) -> bool {
        kind == match self {
            Source::File(..) => AVX_BINDING_STORAGE,
            Source::Uniform(..) => AVX_BINDING_UNIFORM,
            Source::Push(_) => AVX_BINDING_PUSH_CONSTANTS,
        }
    }
}

/// An argument as text: "the storage buffer 0.1 (y)".
pub(crate) fn describe(arg: &OfflineArg) -> String {
    let name = if arg.name.is_empty() { String::new() } else { format!(" ({})", arg.name) };
    match arg.kind {
        AVX_BINDING_PUSH_CONSTANTS => format!("the push-constant block{name}"),
        AVX_BINDING_UNIFORM => format!("the uniform block {}.{}{name}", arg.group, arg.binding),
        _ => format!("the storage buffer {}.{}{name}", arg.group, arg.binding),
    }
}

/// The position of the buffer argument that `place` names.
pub(crate) fn find(args: &[OfflineArg], place: &Place) -> Option<usize> {
    args.iter().position(|arg| match place {
        Place::Name(name) => arg.name == *name && arg.kind != AVX_BINDING_PUSH_CONSTANTS,
        Place::At(group, binding) => (arg.group, arg.binding) == (*group, *binding) && arg.kind != AVX_BINDING_PUSH_CONSTANTS,
    })
}

fn mismatch(message: String) -> Error {
    Error::new(Exit::Kernel, message)
}

/// Gives each argument its source: first the sources that name an argument, then the others in order.
pub(crate) fn assign(args: &[OfflineArg], sources: Vec<Source>) -> Result<Vec<Source>> {
    let mut given: Vec<Option<Source>> = args.iter().map(|_| None).collect();
    let (named, rest): (Vec<Source>, Vec<Source>) = sources.into_iter().partition(|source| source.place().is_some());
    for source in named {
        let Some(place) = source.place() else { continue };
        let there = || args.iter().map(describe).collect::<Vec<_>>().join(", ");
        let Some(at) = find(args, place) else {
            return Err(mismatch(format!("{} {place}=...: the kernel has no argument of that name; it has {}", source.option(), there())));
        };
        if given[at].is_some() {
            return Err(mismatch(format!("{} {place}=...: {} is given twice", source.option(), describe(&args[at]))));
        }
        given[at] = Some(source);
    }
    for source in rest {
        let free = (0..args.len()).find(|&at| given[at].is_none() && source.suits(args[at].kind));
        let Some(at) = free else {
            let all = args.iter().filter(|arg| source.suits(arg.kind)).count();
            let what = match source {
                Source::File(..) => "storage buffers",
                Source::Uniform(..) => "uniform blocks",
                Source::Push(_) => "push-constant blocks",
            };
            return Err(mismatch(format!("{}: it is given more often than the kernel has {what}, which is {all}", source.option())));
        };
        given[at] = Some(source);
    }
    let mut out = Vec::new();
    for (arg, source) in args.iter().zip(given) {
        let source = source.ok_or_else(|| mismatch(format!("{} is not given; {}", describe(arg), remedy(arg))))?;
        check(arg, &source)?;
        out.push(source);
    }
    Ok(out)
}

/// The option that gives an argument its data.
fn remedy(arg: &OfflineArg) -> &'static str {
    match arg.kind {
        AVX_BINDING_PUSH_CONSTANTS => "--push \"TYPE:VALUE ...\" sets it",
        AVX_BINDING_UNIFORM => "--uniform \"TYPE:VALUE ...\" sets it",
        _ if arg.access & AVX_ACCESS_WRITE == 0 => "--in FILE sets it",
        _ => "--in, --inout or --out sets it",
    }
}

/// Rejects a source that its argument cannot take.
fn check(arg: &OfflineArg, source: &Source) -> Result<()> {
    match (source, arg.kind) {
        (Source::File(Role::Out | Role::InOut, spec), AVX_BINDING_STORAGE) if arg.access & AVX_ACCESS_WRITE == 0 => {
            Err(mismatch(format!("{} {}: the kernel only reads {}; --in sets it", source.option(), spec.path.display(), describe(arg))))
        }
        (Source::File(Role::Out | Role::InOut, spec), AVX_BINDING_UNIFORM) => {
            Err(mismatch(format!("{} {}: {} is only read; --in sets it", source.option(), spec.path.display(), describe(arg))))
        }
        (Source::Uniform(..), AVX_BINDING_STORAGE) => {
            Err(mismatch(format!("--uniform: {} is not a uniform block; {}", describe(arg), remedy(arg))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec;

    fn arg(kind: u32, binding: u32, name: &str, access: u32) -> OfflineArg {
        OfflineArg { kind, group: 0, binding, access, min_size: 4, stride: 4, name: name.into() }
    }

    fn args() -> Vec<OfflineArg> {
        vec![
            arg(AVX_BINDING_UNIFORM, 0, "p", AVX_ACCESS_READ),
            arg(AVX_BINDING_STORAGE, 1, "x", AVX_ACCESS_READ),
            arg(AVX_BINDING_STORAGE, 2, "y", AVX_ACCESS_READ | AVX_ACCESS_WRITE),
            arg(AVX_BINDING_PUSH_CONSTANTS, 0, "k", AVX_ACCESS_READ),
        ]
    }

    fn file(role: Role, text: &str) -> Source {
        Source::File(role, spec::parse(role.option(), text).expect(text))
    }

    #[test]
    fn sources_go_to_arguments_of_their_kind_in_order() {
        let (x, y) = (file(Role::In, "x.npy"), file(Role::Out, "y.npy"));
        let (p, k) = (Source::Uniform(None, vec![1]), Source::Push(vec![2]));
        let want = vec![p.clone(), x.clone(), y.clone(), k.clone()];
        assert_eq!(assign(&args(), vec![x.clone(), y.clone(), p.clone(), k.clone()]), Ok(want));
        let named = vec![file(Role::Out, "y=y.npy"), x.clone(), k.clone(), file(Role::In, "0.0=p.bin")];
        let got = assign(&args(), named).expect("named");
        assert_eq!(got[0], file(Role::In, "0.0=p.bin"));
        assert_eq!((&got[1], &got[2]), (&x, &file(Role::Out, "y=y.npy")));
    }

    #[test]
    fn mismatches_are_named() {
        let all = || vec![file(Role::In, "x.npy"), file(Role::Out, "y.npy"), Source::Uniform(None, vec![1]), Source::Push(vec![2])];
        let with = |extra: Source| {
            let mut sources = all();
            sources.push(extra);
            assign(&args(), sources).expect_err("a mismatch").message
        };
        assert!(with(file(Role::In, "z.npy")).contains("storage buffers, which is 2"));
        assert!(with(Source::Push(vec![])).contains("push-constant blocks, which is 1"));
        assert!(
            with(file(Role::In, "z=z.npy")).contains("z=...: the kernel has no argument of that name; it has the uniform block 0.0 (p)")
        );
        assert!(with(file(Role::In, "k=z.npy")).contains("no argument of that name"));
        let without = |at: usize| {
            let mut sources = all();
            sources.remove(at);
            assign(&args(), sources).expect_err("a gap").message
        };
        assert!(without(1).contains("the storage buffer 0.2 (y) is not given; --in, --inout or --out"));
        assert!(without(2).contains("the uniform block 0.0 (p) is not given; --uniform"));
        assert!(without(3).contains("--push"));
        assert!(check(&args()[1], &file(Role::Out, "x.npy")).is_err_and(|f| f.message.contains("only reads")));
        assert!(check(&args()[0], &file(Role::InOut, "p.bin")).is_err_and(|f| f.message.contains("only read")));
        assert!(check(&args()[1], &Source::Uniform(None, vec![])).is_err_and(|f| f.message.contains("not a uniform block")));
        let twice = vec![file(Role::In, "x=a.npy"), file(Role::In, "0.1=b.npy")];
        assert!(assign(&args(), twice).is_err_and(|f| f.message.contains("given twice")));
    }
}
