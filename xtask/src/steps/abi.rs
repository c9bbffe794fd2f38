//! The ABI of each release against that of today: what a program may have been built with stays as it is, and additions are fine.
//!
//! For each release, `abi` has two files. VERSION.abi is libabigail's description of the structs and functions, VERSION.json is
//! avx_gpu.json of that release, which also has the constants; `tests/old_client/VERSION` has the header and a program that uses it.
//! `cargo xtask abi --write` writes those of the version at hand, see docs/releasing.md.
//!
//! The library's own debug information has Rust's names for types, so libabigail reads a stand-in in C: each function of the header
//! with an empty body, compiled with debug information.

use super::cmake::Built;
use crate::json::Json;
use crate::packages::Need;
use crate::report::{Note, Outcome};
use crate::run::Job;
use crate::session::Session;
use crate::test_drivers::Drivers;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Seconds for each program here.
const LIMIT: u64 = 120;

/// The folder of the descriptions.
const FOLDER: &str = "abi";
/// The folder of the programs of each release.
const CLIENTS: &str = "tests/old_client";

/// All steps: structs and functions, numbers, exported symbols, and the program of each release run against the library.
pub(crate) fn all(session: &mut Session, tree: &Built, drivers: &Drivers) {
    numbers(session);
    structs(session);
    symbols(session, tree);
    old_clients(session, tree, drivers);
}

/// The versions that have a description, in the order of their names.
fn releases(root: &Path) -> Result<Vec<String>, String> {
    let folder = root.join(FOLDER);
    let entries = fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut versions: Vec<String> = names.filter_map(|name| Some(name.strip_suffix(".json")?.to_owned())).collect();
    versions.sort();
    if versions.is_empty() { Err(format!("{} has no description", folder.display())) } else { Ok(versions) }
}

fn read(path: &Path) -> Result<Json, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
    Json::parse(&text).map_err(|e| format!("{}: {e}", path.display()))
}

/// The description of today's header.
fn today(root: &Path) -> Result<Json, String> {
    read(&root.join("include/avx_gpu.json"))
}

/// For each release, what `judge` finds wrong; a note for each release that has something wrong.
fn each_release(root: &Path, judge: impl Fn(&str, &Json) -> Result<Vec<String>, String>) -> Outcome {
    let versions = match releases(root) {
        Ok(versions) => versions,
        Err(why) => return Outcome::fail(why),
    };
    let mut outcome = Outcome::default();
    for version in versions {
        let wrong = read(&root.join(FOLDER).join(format!("{version}.json"))).and_then(|old| judge(&version, &old));
        match wrong {
            Ok(wrong) if wrong.is_empty() => outcome.passed += 1,
            Ok(wrong) => outcome.failed.push(Note { name: version, why: wrong.join("\n") }),
            Err(why) => outcome.failed.push(Note { name: version, why }),
        }
    }
    outcome
}

fn numbers(session: &mut Session) {
    let root = session.root.clone();
    session.report.step("abi/numbers", || each_release(&root, |_, old| Ok(broken(old, &today(&root)?))));
}

/// Compares the structs and functions by abidiff.
fn structs(session: &mut Session) {
    let there = session.has(Need::Abigail).and_then(|()| session.has(Need::Cc));
    let (root, work, log) = (session.root.clone(), session.work.join("abi"), session.log("abi-structs"));
    let job = |program: &str| session.job(program, LIMIT);
    let outcome = |there: Result<(), String>| {
        if let Err(why) = there {
            return Outcome::skip(why);
        }
        let library = match stand_in(&root, &work, &job, &log) {
            Ok(library) => library,
            Err(why) => return Outcome::fail(why),
        };
        each_release(&root, |version, old| {
            let rules = work.join("grown.suppr");
            fs::write(&rules, suppressions(old, &today(&root)?)).map_err(|e| format!("{}: {e}", rules.display()))?;
            let finished = job("abidiff")
                .args(["--no-added-syms", "--suppressions"])
                .arg(&rules)
                .arg(root.join(FOLDER).join(format!("{version}.abi")))
                .arg(&library)
                .run(&log);
            Ok(if finished.ending.ok() { Vec::new() } else { vec![finished.stdout + &finished.stderr] })
        })
    };
    let wanted = session.report.wants("abi/structs");
    let outcome = if wanted { outcome(there) } else { Outcome::default() };
    session.report.step("abi/structs", || outcome);
}

/// Compiles the stand-in for the library and gives its path.
fn stand_in(root: &Path, work: &Path, job: &impl Fn(&str) -> Job, log: &Path) -> Result<PathBuf, String> {
    let description = today(root)?;
    let (source, library) = (work.join("functions.c"), work.join("libavx_gpu.so"));
    fs::create_dir_all(work)
        .and_then(|()| fs::write(&source, functions(&description)))
        .map_err(|e| format!("{}: {e}", source.display()))?;
    let soname = description.get("soname").text().unwrap_or_default();
    let compile = job("cc")
        .args(["-std=c99", "-g", "-O0", "-fPIC", "-shared", "-Iinclude"])
        // Where this checkout lies does not belong to the ABI.
        .arg(format!("-ffile-prefix-map={}=.", work.display()))
        .arg("-o")
        .arg(&library)
        .arg(&source)
        .arg(format!("-Wl,-soname,{soname}"));
    let finished = compile.run(log);
    if finished.ending.ok() { Ok(library) } else { Err(finished.tail(20)) }
}

/// A type in C with the name that is of that type.
fn declared(of: &str, name: &str) -> String {
    if of.ends_with('*') { format!("{of}{name}") } else { format!("{of} {name}") }
}

fn text<'a>(json: &'a Json, key: &str) -> &'a str {
    json.get(key).text().unwrap_or_default()
}

/// Every function of a description in C, with an empty body.
fn functions(description: &Json) -> String {
    let mut source = String::from("#include <avx_gpu.h>\n");
    for function in description.get("functions").items() {
        let params = function.get("params").items();
        let list: Vec<String> = params.iter().map(|param| declared(text(param, "type"), text(param, "name"))).collect();
        let list = if list.is_empty() { "void".to_owned() } else { list.join(", ") };
        let used: String = params.iter().map(|param| format!("(void){}; ", text(param, "name"))).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(source, "{}({list}) {{ {used}return 0; }}", declared(text(function, "returns"), text(function, "name")));
    }
    source
}

/// Lets abidiff pass the structs that tell their size and have grown. Its rule for that takes other changes of the same struct for growth
/// too, so `broken` judges these structs, and no other struct has the rule.
fn suppressions(old: &Json, new: &Json) -> String {
    let of = |json: &Json, name: &str| json.get("structs").items().iter().find(|s| text(s, "name") == name).map_or(0, bytes);
    let may_grow = old.get("structs").items().iter().filter(|s| s.get("may_grow") == &Json::Bool(true));
    let grown = may_grow.filter(|s| of(new, text(s, "name")) > bytes(s));
    grown.map(|s| format!("[suppress_type]\nname = {}\nhas_data_member_inserted_at = end\n\n", text(s, "name"))).collect()
}

/// The size of a struct or field in bytes.
fn bytes(json: &Json) -> u64 {
    json.get("size").digits().and_then(|digits| digits.parse().ok()).unwrap_or(0)
}

/// What of an old description is not so in the new one. Additions, and other words, are fine.
fn broken(old: &Json, new: &Json) -> Vec<String> {
    let mut wrong = Vec::new();
    if old.get("soname") != new.get("soname") {
        wrong.push(format!("the SONAME was {}, and is {}", text(old, "soname"), text(new, "soname")));
    }
    let mut each = |list: &str, judge: &dyn Fn(&Json, &Json) -> Vec<String>| {
        for item in old.get(list).items() {
            let name = text(item, "name");
            match new.get(list).items().iter().find(|other| text(other, "name") == name) {
                None => wrong.push(format!("{name} is gone (from {list})")),
                Some(other) => wrong.extend(judge(item, other).into_iter().map(|what| format!("{name}: {what}"))),
            }
        }
    };
    each("handles", &|_, _| Vec::new());
    each("aliases", &|a, b| differences(a, b, &["type"]));
    each("constants", &|a, b| differences(a, b, &["type", "value"]));
    each("callbacks", &parameters);
    each("functions", &|a, b| [differences(a, b, &["symbol", "returns"]), parameters(a, b)].concat());
    each("structs", &fields);
    wrong
}

/// The keys whose values differ, in words.
fn differences(old: &Json, new: &Json, keys: &[&str]) -> Vec<String> {
    let differ = keys.iter().filter(|key| old.get(key) != new.get(key));
    differ.map(|key| format!("its {key} was {}, and is {}", shown(old.get(key)), shown(new.get(key)))).collect()
}

/// A value for a message.
fn shown(json: &Json) -> String {
    json.text().or(json.digits()).map_or_else(|| format!("{json:?}"), str::to_owned)
}

fn parameters(old: &Json, new: &Json) -> Vec<String> {
    let (before, now) = (old.get("params").items(), new.get("params").items());
    if before.len() != now.len() {
        return vec![format!("it took {} parameters, and takes {}", before.len(), now.len())];
    }
    let mut wrong = Vec::new();
    for (a, b) in before.iter().zip(now) {
        let nullable = |json: &Json| json.get("nullable") == &Json::Bool(true);
        let mut what = differences(a, b, &["type", "direction"]);
        if nullable(a) && !nullable(b) {
            what.push("it could be NULL, and cannot".to_owned());
        }
        wrong.extend(what.into_iter().map(|what| format!("parameter {}: {what}", text(a, "name"))));
    }
    wrong
}

/// Fields stay where they are. A struct that tells its size may grow at its end, and what was reserved may get another name.
fn fields(old: &Json, new: &Json) -> Vec<String> {
    let mut wrong = differences(old, new, &["may_grow"]);
    let may_grow = old.get("may_grow") == &Json::Bool(true);
    if bytes(new) != bytes(old) && !(may_grow && bytes(new) > bytes(old)) {
        wrong.push(format!("it had {} bytes, and has {}", bytes(old), bytes(new)));
    }
    for field in old.get("fields").items().iter().filter(|field| !text(field, "name").starts_with("reserved")) {
        let name = text(field, "name");
        match new.get("fields").items().iter().find(|other| text(other, "name") == name) {
            None => wrong.push(format!("the field {name} is gone")),
            Some(other) => {
                let what = differences(field, other, &["type", "length", "offset", "size"]);
                wrong.extend(what.into_iter().map(|what| format!("field {name}: {what}")));
            }
        }
    }
    wrong
}

/// The library exports what the programs of each release link to, by both names of each function.
fn symbols(session: &mut Session, tree: &Built) {
    let there = session.has(Need::Binutils);
    let job = tree.as_ref().map(|tree| session.job("nm", LIMIT).args(["-D", "--defined-only"]).arg(tree.library()));
    let (root, log) = (session.root.clone(), session.log("abi-symbols"));
    session.report.step("abi/symbols", || {
        let finished = match (job, there) {
            (Ok(job), Ok(())) => job.run(&log),
            (Err(why), _) => return Outcome::skip(why),
            (_, Err(why)) => return Outcome::skip(why),
        };
        if !finished.ending.ok() {
            return Outcome::of(&finished);
        }
        each_release(&root, |_, old| Ok(not_exported(old, &finished.stdout)))
    });
}

/// The names of a description's functions that are not in the output of `nm -D --defined-only`.
fn not_exported(description: &Json, nm: &str) -> Vec<String> {
    let exported: Vec<&str> = nm.lines().filter_map(|line| line.split_whitespace().last()?.split('@').next()).collect();
    let names = description.get("functions").items().iter().flat_map(|function| [text(function, "name"), text(function, "symbol")]);
    names.filter(|name| !name.is_empty() && !exported.contains(name)).map(|name| format!("{name} is not exported any more")).collect()
}

/// The program of each release, built with the header of its time and run against the library of today.
fn old_clients(session: &mut Session, tree: &Built, drivers: &Drivers) {
    let step = "abi/old-client";
    let (tree, lavapipe) = match (tree, &drivers.lavapipe, session.has(Need::Cc)) {
        (Ok(tree), Ok(lavapipe), Ok(())) => (tree, lavapipe),
        (Err(why), _, _) | (_, Err(why), _) => return session.report.step(step, || Outcome::skip(why)),
        (_, _, Err(why)) => return session.report.step(step, || Outcome::skip(why)),
    };
    let library = tree.library();
    let folder = library.parent().unwrap_or(Path::new(".")).to_path_buf();
    let (root, log) = (session.root.clone(), session.log("abi-old-client"));
    let program = |version: &str| session.work.join(format!("old-client-{version}"));
    let compile = |version: &str| {
        session
            .job("cc", LIMIT)
            .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-O1", "-o"])
            .arg(program(version))
            .arg(root.join(CLIENTS).join(version).join("main.c"))
            .arg(&library)
            .arg("-lm")
    };
    let run =
        |version: &str| session.job(program(version), LIMIT).envs(lavapipe.environment(&session.work)).envs([("LD_LIBRARY_PATH", &folder)]);
    let judge = |version: &str| {
        let built = compile(version).run(&log);
        let finished = if built.ending.ok() { run(version).run(&log) } else { built };
        if finished.ending.ok() { Vec::new() } else { vec![finished.tail(20)] }
    };
    let outcome = if session.report.wants(step) { each_release(&root, |version, _| Ok(judge(version))) } else { Outcome::default() };
    session.report.step(step, || outcome);
}

/// Writes the descriptions of the version at hand, and the header for its program. Gives the files that it wrote.
pub(crate) fn write(session: &Session) -> Result<Vec<PathBuf>, String> {
    session.has(Need::Abigail)?;
    session.has(Need::Cc)?;
    let root = &session.root;
    let description = today(root)?;
    let version = description.get("version").text().ok_or("include/avx_gpu.json has no version")?.to_owned();
    let log = session.log("abi-write");
    let library = stand_in(root, &session.work.join("abi"), &|program: &str| session.job(program, LIMIT), &log)?;
    let (folder, client) = (root.join(FOLDER), root.join(CLIENTS).join(&version));
    for folder in [&folder, &client] {
        fs::create_dir_all(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    }
    let abi = folder.join(format!("{version}.abi"));
    // Neither where this checkout lies nor its lines of text belong to the ABI.
    let quiet = ["--no-show-locs", "--no-corpus-path", "--no-comp-dir-path", "--out-file"];
    let finished = session.job("abidw", LIMIT).args(quiet).arg(&abi).arg(&library).run(&log);
    if !finished.ending.ok() {
        return Err(finished.tail(20));
    }
    let copies = [("avx_gpu.json", folder.join(format!("{version}.json"))), ("avx_gpu.h", client.join("avx_gpu.h"))];
    for (name, to) in &copies {
        fs::copy(root.join("include").join(name), to).map_err(|e| format!("{}: {e}", to.display()))?;
    }
    Ok(copies.into_iter().map(|(_, path)| path).chain([abi]).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = r#"{"soname":"lib.so.0","version":"0.1.0",
        "handles":[{"name":"avx_device"}],"aliases":[{"name":"avx_status","type":"int32_t"}],
        "constants":[{"name":"AVX_FOREVER","type":"uint64_t","value":18446744073709551615}],
        "callbacks":[{"name":"avx_log","params":[{"name":"level","type":"int32_t"}]}],
        "structs":[{"name":"avx_arg","size":16,"may_grow":false,"fields":[{"name":"kind","type":"uint32_t","offset":0,"size":4},
                {"name":"reserved","type":"uint32_t","offset":4,"size":4},{"name":"size","type":"uint64_t","offset":8,"size":8}]},
            {"name":"avx_options","size":8,"may_grow":true,"fields":[{"name":"struct_size","type":"uint32_t","offset":0,"size":4}]}],
        "functions":[{"name":"avx_alloc","symbol":"avx_gpu_alloc","returns":"avx_status","doc":"Allocates.",
                "params":[{"name":"device","type":"avx_device","direction":"in","nullable":true},
                    {"name":"out","type":"avx_buffer *","direction":"out","nullable":false}]},
            {"name":"avx_last_error","symbol":"avx_gpu_last_error","returns":"const char *","params":[]}]}"#;

    /// What is broken in the text with a replacement made.
    fn after(from: &str, to: &str) -> Vec<String> {
        assert!(OLD.contains(from), "{from}");
        broken(&Json::parse(OLD).unwrap(), &Json::parse(&OLD.replace(from, to)).unwrap())
    }

    #[test]
    fn additions_and_words_are_fine() {
        assert_eq!(after("Allocates.", "Takes memory."), [""; 0]);
        assert_eq!(after(r#""constants":["#, r#""constants":[{"name":"AVX_NEW","type":"uint32_t","value":1},"#), [""; 0]);
        assert_eq!(after(r#""functions":["#, r#""functions":[{"name":"avx_new","params":[]},"#), [""; 0]);
        assert_eq!(after(r#""nullable":false"#, r#""nullable":true"#), [""; 0]);
        let grown = r#""size":16,"may_grow":true,"fields":[{"name":"flags","type":"uint32_t","offset":8,"size":4},"#;
        assert_eq!(after(r#""size":8,"may_grow":true,"fields":["#, grown), [""; 0]);
        assert_eq!(after(r#""name":"reserved""#, r#""name":"slot""#), [""; 0]);
    }

    #[test]
    fn what_changes_or_goes_is_named() {
        assert_eq!(after("18446744073709551615", "18446744073709551614").len(), 1, "to the last bit");
        assert_eq!(after("AVX_FOREVER", "AVX_EVER"), ["AVX_FOREVER is gone (from constants)"]);
        assert_eq!(after(r#""offset":8,"size":8"#, r#""offset":8,"size":4"#), ["avx_arg: field size: its size was 8, and is 4"]);
        assert_eq!(after(r#""name":"kind""#, r#""name":"sort""#), ["avx_arg: the field kind is gone"]);
        assert_eq!(after(r#""size":16"#, r#""size":24"#), ["avx_arg: it had 16 bytes, and has 24"]);
        assert_eq!(after("avx_gpu_alloc", "avx_gpu_take"), ["avx_alloc: its symbol was avx_gpu_alloc, and is avx_gpu_take"]);
        assert_eq!(after(r#""nullable":true"#, r#""nullable":false"#), ["avx_alloc: parameter device: it could be NULL, and cannot"]);
        assert_eq!(after(r#""level","type":"int32_t""#, r#""level","type":"int64_t""#).len(), 1);
        assert_eq!(after(r#""avx_status","type":"int32_t""#, r#""avx_status","type":"int64_t""#).len(), 1);
        assert_eq!(after("lib.so.0", "lib.so.1"), ["the SONAME was lib.so.0, and is lib.so.1"]);
        assert_eq!(after(r#"{"name":"avx_device"}"#, ""), ["avx_device is gone (from handles)"]);
    }

    #[test]
    fn a_removed_symbol_is_named_by_each_of_its_names() {
        let old = Json::parse(OLD).unwrap();
        let all = "0 T avx_alloc\n0 T avx_gpu_alloc\n0 T avx_gpu_last_error@@V\n0 T avx_last_error\n";
        assert_eq!(not_exported(&old, all), [""; 0]);
        assert_eq!(not_exported(&old, &all.replace("avx_gpu_alloc", "other")), ["avx_gpu_alloc is not exported any more"]);
    }

    #[test]
    fn the_stand_in_has_every_function_and_the_rules_every_struct_that_has_grown() {
        let old = Json::parse(OLD).unwrap();
        let source = functions(&old);
        assert!(source.contains("avx_status avx_alloc(avx_device device, avx_buffer *out) { (void)device; (void)out; return 0; }"));
        assert!(source.contains("const char *avx_last_error(void) { return 0; }"));
        let with = |size: &str| suppressions(&old, &Json::parse(&OLD.replace(r#""size":8,"may_grow":true"#, size)).unwrap());
        assert_eq!(with(r#""size":8,"may_grow":true"#), "");
        let rules = with(r#""size":16,"may_grow":true"#);
        assert!(rules.contains("name = avx_options\n") && !rules.contains("avx_arg"));
    }
}
