//! The result of each compilation, from the log of a server with `SCCACHE_LOG=debug`. These lines are
//! the same in 0.10, 0.16 and 0.19:
//!
//! ```text
//! [… DEBUG sccache::compiler::compiler] [itoa]: get_cached_or_compile: ["--crate-name", "itoa", …]
//! [… DEBUG sccache::compiler::compiler] [itoa]: Hash key: bdac6b…
//! [… DEBUG sccache::server] [itoa]: compile result: cache miss
//! ```
//!
//! After a hit, 0.10 does not write the last one, but only this one, which the others write before it:
//!
//! ```text
//! [… DEBUG sccache::compiler::compiler] [itoa]: Cache hit in 0.000 s
//! ```

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

/// A compilation that sccache looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// The name of the crate or of the source file.
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    /// sccache's key.
    pub(crate) key: String,
    pub(crate) is_miss: bool,
}

impl Unit {
    fn new(name: &str, args: Vec<String>) -> Self {
        let name = if args.iter().any(|arg| arg.starts_with("--crate-name")) {
            name.to_owned()
        } else {
            // The `cc` crate prefixes the file name with a digest of the directory.
            let digest =
                |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
            let plain = name.split_once('-').filter(|(front, _)| digest(front));
            plain.map_or(name, |(_, file)| file).to_owned()
        };
        Self {
            name,
            args,
            ..Self::default()
        }
    }

    /// Whether rustc compiled it.
    pub(crate) fn is_rust(&self) -> bool {
        self.args.iter().any(|arg| arg.starts_with("--crate-name"))
    }

    /// The portable key, which is all that sccache sees of a unit of the portable wrapper.
    pub(crate) fn portable_key(&self) -> Option<&str> {
        let mut args = self.args.iter().skip_while(|arg| *arg != "--cfg");
        let key = args.nth(1)?.strip_prefix("sccfg=\"")?;
        key.strip_suffix('"')
    }

    /// The source file as in the arguments.
    pub(crate) fn source(&self) -> Option<&Path> {
        let is_source = |arg: &&String| {
            let extension = Path::new(arg.as_str()).extension();
            let known = ["rs", "c", "cc", "cpp", "cxx", "S", "s", "m", "mm", "cu"];
            !arg.starts_with('-')
                && extension.is_some_and(|extension| known.iter().any(|known| extension == *known))
        };
        self.args.iter().find(is_source).map(Path::new)
    }

    /// The names of the crates that it uses.
    pub(crate) fn uses(&self) -> impl Iterator<Item = String> + '_ {
        let after = self.args.iter().skip(1);
        self.args
            .iter()
            .zip(after)
            .filter(|(flag, _)| *flag == "--extern")
            .filter_map(|(_, value)| {
                let file = Path::new(value.split_once('=')?.1).file_stem()?.to_str()?;
                let name = file.strip_prefix("lib").unwrap_or(file);
                Some(
                    name.rsplit_once('-')
                        .map_or(name, |(name, _)| name)
                        .to_owned(),
                )
            })
    }

    /// The arguments that are part of a Rust key. sccache omits directories, libraries and the format of
    /// messages (`generate_hash_key` in its `compiler/rust.rs`).
    pub(crate) fn hashed_args(&self) -> Vec<&str> {
        const NOT_HASHED: [&str; 6] = [
            "-L",
            "--extern",
            "--out-dir",
            "--check-cfg",
            "--diagnostic-width",
            "--color",
        ];
        let mut hashed = Vec::new();
        let mut args = self.args.iter();
        while let Some(arg) = args.next() {
            if NOT_HASHED.contains(&arg.as_str()) {
                args.next();
            } else if !NOT_HASHED
                .iter()
                .any(|option| arg.starts_with(&format!("{option}=")))
            {
                hashed.push(arg.as_str());
            }
        }
        hashed
    }
}

/// The compilations in a part of the log that sccache looked up, in the order they ended.
pub(crate) fn units(log: &str) -> Vec<Unit> {
    // Units of the same name may run at the same time. The first to begin is assumed to end first:
    // the report has names only.
    let mut running: BTreeMap<&str, VecDeque<Unit>> = BTreeMap::new();
    let mut ended = Vec::new();
    // The hits whose result may follow.
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for line in log.lines() {
        let Some((name, rest)) = named(line) else {
            continue;
        };
        let queue = running.entry(name).or_default();
        if let Some(args) = rest.strip_prefix("get_cached_or_compile: ") {
            queue.push_back(Unit::new(
                name,
                serde_json::from_str(args).unwrap_or_default(),
            ));
        } else if let Some(key) = rest.strip_prefix("Hash key: ") {
            if let Some(unit) = queue.iter_mut().find(|unit| unit.key.is_empty()) {
                key.trim().clone_into(&mut unit.key);
            }
        } else if rest.starts_with("Cache hit in ") {
            let looked_up = queue.iter().position(|unit| !unit.key.is_empty());
            if let Some(unit) = looked_up.and_then(|at| queue.remove(at)) {
                *found.entry(name).or_default() += 1;
                ended.push(unit);
            }
        } else if let Some(result) = rest.strip_prefix("compile result: ") {
            let is_hit = result.trim() == "cache hit";
            if let Some(known) = found.get_mut(name).filter(|known| is_hit && **known > 0) {
                *known -= 1;
                continue;
            }
            let Some(mut unit) = queue.pop_front() else {
                continue;
            };
            if is_hit || result.trim() == "cache miss" {
                unit.is_miss = !is_hit;
                ended.push(unit);
            }
        }
    }
    ended
}

/// The name and the rest of `[… DEBUG sccache::server] [itoa]: compile result: …`.
fn named(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once("] [")?;
    rest.split_once("]: ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = r#"[2026-01-01T00:00:00Z DEBUG sccache::config] Attempting to read config
[2026-01-01T00:00:00Z DEBUG sccache::compiler::compiler] [serde]: get_cached_or_compile: ["--crate-name", "serde", "--edition=2021", "/r/serde-1.0.1/src/lib.rs", "--out-dir", "/t/deps", "-C", "metadata=1", "--extern", "serde_core=/t/deps/libserde_core-92c5.rmeta", "--check-cfg=x"]
[2026-01-01T00:00:00Z DEBUG sccache::compiler::compiler] [9bb0a3195b9dd27a-a.o]: get_cached_or_compile: ["-O0", "-o", "/t/debug/build/my-sys-053043d9/out/9bb0a3195b9dd27a-a.o", "-c", "a.c"]
[2026-01-01T00:00:00Z DEBUG sccache::compiler::compiler] [serde]: Hash key: aa
[2026-01-01T00:00:00Z DEBUG sccache::server] [serde]: compile result: cache miss
[2026-01-01T00:00:00Z DEBUG sccache::compiler::compiler] [probe]: get_cached_or_compile: ["--crate-name=probe"]
[2026-01-01T00:00:00Z DEBUG sccache::server] [probe]: compile result: compile failed
[2026-01-01T00:00:00Z DEBUG sccache::server] [9bb0a3195b9dd27a-a.o]: compile result: cache hit
"#;

    #[test]
    fn the_key_of_the_portable_wrapper_is_found() {
        let log = r#"[… DEBUG x] [itoa]: get_cached_or_compile: ["--crate-name", "itoa", "--crate-type", "lib", "--emit=link", "--out-dir", "/t/.sccfg-1", "--cfg", "sccfg=\"ab12\"", "unit.rs"]
[… DEBUG x] [itoa]: compile result: cache miss
"#;
        assert_eq!(units(log)[0].portable_key(), Some("ab12"));
        assert_eq!(units(LOG)[0].portable_key(), None);
    }

    #[test]
    fn hits_of_every_version_are_counted_once() {
        const BEGIN: &str = r#"[… DEBUG x] [itoa]: get_cached_or_compile: ["--crate-name", "itoa"]
[… DEBUG x] [itoa]: Hash key: aa
"#;
        const HIT: &str = "[… DEBUG x] [itoa]: Cache hit in 0.000 s\n";
        const RESULT: &str = "[… DEBUG x] [itoa]: compile result: cache hit\n";
        const MISS: &str = "[… DEBUG x] [itoa]: compile result: cache miss\n";
        let missed = |log: &[&str]| {
            let units = units(&log.concat()).into_iter();
            units.map(|unit| unit.is_miss).collect::<Vec<_>>()
        };
        let of_0_10 = [BEGIN, HIT, BEGIN, HIT, BEGIN, MISS];
        assert_eq!(missed(&of_0_10), [false, false, true]);
        let of_0_19 = [BEGIN, HIT, RESULT, BEGIN, HIT, RESULT, BEGIN, MISS];
        assert_eq!(missed(&of_0_19), [false, false, true]);
        // Two at the same time.
        let of_0_19 = [BEGIN, BEGIN, HIT, RESULT, MISS];
        assert_eq!(missed(&of_0_19), [false, true]);
    }

    #[test]
    fn the_log_names_what_missed() {
        let units = units(LOG);
        let [serde, a] = units.as_slice() else {
            panic!("{units:?}")
        };
        assert_eq!((serde.name.as_str(), serde.is_miss), ("serde", true));
        assert!(serde.is_rust() && !a.is_rust());
        assert_eq!(serde.key, "aa");
        assert_eq!(serde.uses().collect::<Vec<_>>(), ["serde_core"]);
        assert_eq!(serde.source(), Some(Path::new("/r/serde-1.0.1/src/lib.rs")));
        assert_eq!(
            serde.hashed_args(),
            [
                "--crate-name",
                "serde",
                "--edition=2021",
                "/r/serde-1.0.1/src/lib.rs",
                "-C",
                "metadata=1"
            ]
        );
        assert_eq!((a.name.as_str(), a.is_miss), ("a.o", false));
        assert_eq!(a.source(), Some(Path::new("a.c")));
    }
}
