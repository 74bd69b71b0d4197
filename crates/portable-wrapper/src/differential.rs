//! Compiles units that were found in a cache as well, and compares the results. With `SCCFG_WRAPPER=verify`, each hit of a Rust
//! unit is compiled into another directory; with `SCCFG_WRAPPER_VERIFY=2%`, that share of the hits. The build gets the compiled
//! files. Differences are printed and logged, and the entry is replaced. A second compile shows which differences are due to a
//! compiler that is not deterministic. An entry of a user with another `CARGO_HOME` has digests of that path in rustc's
//! metadata and in build IDs, and a linker may have merged strings in another order. For such files, only the sizes are
//! compared. Metadata of an entry that was compiled above crates with other [hashes](CrateHash) is compared without these.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::{self, BufRead as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::binary;
use super::binary::sections::members;
use super::cache_entry::{CacheEntry, Text};
use super::compile::{self, Made};
use super::crate_hash::{self, CrateHash};
use super::dep_info::with_outputs_in;
use super::entry_origin::Origin;
use super::interface::{is_metadata, is_rlib};
use super::protocol::{CompileRequest, CompileResult};
use super::state_dir::StateDir;
use super::windows::Part;
use super::work_dir::WorkDir;
use sccfg_util::fsio;
use sccfg_util::wrapper_vars;

/// The name of the log of differences in the state directory: one line of JSON for each unit.
pub(super) const LOG: &str = "differences";

/// The result of the comparison of a hit with a compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verified {
    /// Nothing differs.
    Same,
    /// Two compiles here differ from each other in the same files.
    NotReproducible,
    /// The entry of the cache differs, and a second compile gave the same result as the first.
    Differs,
}

/// A difference between a cache entry and a compile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Difference {
    /// The name of a file, or `dep-info`, `standard output`, `standard error`, `exit status` or `path dependence`.
    pub(super) what: String,
    /// The first byte that differs.
    pub(super) offset: Option<u64>,
    /// Whether a second compile gave the same result as the first.
    pub(super) is_reproducible: bool,
}

/// A line of the log.
#[derive(Debug, Serialize)]
struct Logged<'a> {
    unit: &'a str,
    key: &'a str,
    from: &'static str,
    differences: &'a [Difference],
}

/// Whether this hit is to be compiled as well.
pub(super) fn is_wanted() -> bool {
    if wrapper_vars::verifies_all() {
        return true;
    }
    let Some(share) = wrapper_vars::share_to_verify() else {
        return false;
    };
    // The keys of the hasher are random for each process.
    let random = RandomState::new().build_hasher().finish();
    // The first 53 bits, which a float has exactly.
    #[allow(clippy::cast_precision_loss, reason = "53 bits")]
    let random = (random >> 11) as f64 / (1_u64 << 53) as f64;
    random < share
}

/// A unit that was compiled although a cache had it.
pub(super) struct Compiled {
    pub(super) work: WorkDir,
    /// The request that was compiled.
    pub(super) request: CompileRequest,
    pub(super) result: CompileResult,
    /// `None` if it failed.
    pub(super) entry: Option<CacheEntry>,
}

impl Compiled {
    /// Compiles `request` into a directory of its own.
    ///
    /// # Errors
    /// If the directory cannot be created, or the compiler cannot be run.
    pub(super) fn make(request: &CompileRequest) -> io::Result<Self> {
        let work =
            WorkDir::create(&request.out_dir).map_err(|_| io::ErrorKind::PermissionDenied)?;
        let mut request = CompileRequest {
            work: work.0.clone(),
            ..request.clone()
        };
        loop {
            let Made { result, entry } = compile::make(&request, &|_, _| {}, None, None)?;
            if entry.as_ref().is_some_and(|entry| entry.needs_sources) {
                return Err(io::ErrorKind::NotFound.into());
            }
            if let Some(next) = entry.as_ref().and_then(|entry| request.retry(entry)) {
                request = next;
                continue;
            }
            return Ok(Self {
                work,
                request,
                result,
                entry,
            });
        }
    }

    /// Whether the compile proves nothing about the hit: the compiler was killed or reached a limit, or a source changed during
    /// the compile.
    pub(super) fn is_no_evidence(&self) -> bool {
        self.result.is_stale || self.result.status != 0 && !self.result.is_source_error
    }

    pub(super) fn origin(&self) -> Origin {
        Origin::of_compile(&self.result)
    }
}

/// A hit, whose files are restored.
pub(super) struct Hit<'a> {
    pub(super) entry: &'a CacheEntry,
    pub(super) origin: Origin,
    pub(super) work: &'a WorkDir,
}

impl Hit<'_> {
    /// The differences from `compiled`. If there are any, compiles once more to determine which are reproducible.
    ///
    /// # Errors
    /// If a file cannot be read, or the compiler cannot be run.
    pub(super) fn differences(
        &self,
        compiled: &Compiled,
        crate_name: &str,
    ) -> io::Result<Vec<Difference>> {
        let path_map = &compiled.request.path_map;
        let Some(entry) = &compiled.entry else {
            return Ok(vec![difference("exit status", None)]);
        };
        if let Some((theirs, ours)) = self.entry.move_of(path_map) {
            for name in &compiled.request.outputs {
                binary::move_cargo_home(&self.work.file(name, self.origin), theirs, ours)?;
            }
        }
        let mut found = Vec::new();
        if self.entry.key != entry.key {
            found.push(difference("path dependence", None));
        }
        let here = |name: &str| self.work.file(name, self.origin);
        let is_home_moved = self.entry.move_of(path_map).is_some();
        let hashes = self.hashes(compiled, crate_name);
        let differ = |one: &Path, other: &Path| match &hashes {
            _ if is_home_moved => difference_but_for_the_home(one, other),
            Some(hashes) if has_same_digest_without(one, other, hashes)? => Ok(None),
            _ => first_difference(one, other),
        };
        found.extend(compare(compiled, entry, &here, self.entry, &differ)?);
        if found.is_empty() {
            return Ok(found);
        }
        let again = Compiled::make(&compiled.request)?;
        if let (Some(second), false) = (&again.entry, again.is_no_evidence()) {
            let there = |name: &str| again.work.0.join(name);
            let by_itself = compare(compiled, entry, &there, second, &differ)?;
            for difference in &mut found {
                difference.is_reproducible =
                    !by_itself.iter().any(|other| other.what == difference.what);
            }
        }
        Ok(found)
    }

    /// The hashes of crates in which the files may differ, if there are others below the unit here than where it was compiled: these,
    /// and its own.
    fn hashes(&self, compiled: &Compiled, crate_name: &str) -> Option<Vec<CrateHash>> {
        let moved = &self.entry.moved_hashes;
        let outputs = &compiled.request.outputs;
        let has_metadata = |path: &Path| is_metadata(path) || is_rlib(path);
        let metadata = outputs.iter().filter(|name| has_metadata(Path::new(name)));
        let files = metadata.flat_map(|name| {
            let file = self.work.file(name, self.origin);
            [file, compiled.work.0.join(name)]
        });
        let own = files.filter_map(|path| CrateHash::of_metadata(&path, crate_name));
        let below = moved.iter().flat_map(|(there, here)| [*there, *here]);
        (!moved.is_empty()).then(|| below.chain(own).collect())
    }

    pub(super) fn remove(&self, request: &CompileRequest) {
        for name in &request.outputs {
            let _ = fsio::remove_file(&self.work.file(name, self.origin));
        }
    }
}

fn difference(what: &str, offset: Option<u64>) -> Difference {
    Difference {
        what: what.to_owned(),
        offset,
        is_reproducible: true,
    }
}

/// Compares the files and messages of `compiled` with those of another entry.
fn compare(
    compiled: &Compiled,
    entry: &CacheEntry,
    other_file: &dyn Fn(&str) -> PathBuf,
    other: &CacheEntry,
    differ: &dyn Fn(&Path, &Path) -> io::Result<Option<u64>>,
) -> io::Result<Vec<Difference>> {
    let request = &compiled.request;
    let mut found = Vec::new();
    for name in &request.outputs {
        if let Some(offset) = differ(&other_file(name), &request.work.join(name))? {
            found.push(difference(name, Some(offset)));
        }
    }
    let path_map = &request.path_map;
    // The files of a hit may have been compiled into another directory.
    let dep_info = |text: &Text| path_map.to_real_dep_info(&with_outputs_in(b"", text.bytes()));
    let output = |text: &Text| path_map.to_real_output(text.bytes());
    let texts = [
        (
            "dep-info",
            dep_info(&entry.dep_info),
            dep_info(&other.dep_info),
        ),
        (
            "standard output",
            output(&entry.stdout),
            output(&other.stdout),
        ),
        (
            "standard error",
            output(&entry.stderr),
            output(&other.stderr),
        ),
    ];
    for (what, compiled, other) in texts {
        if compiled != other {
            let same = compiled.iter().zip(&other).take_while(|(a, b)| a == b);
            found.push(difference(what, Some(same.count() as u64)));
        }
    }
    Ok(found)
}

/// The offset at which two files begin to differ: that of the end of the shorter one, if it is a prefix of the other.
fn first_difference(one: &Path, other: &Path) -> io::Result<Option<u64>> {
    let (one, other) = (fsio::open(one)?, fsio::open(other)?);
    difference_of(&Part::whole(&one)?, &Part::whole(&other)?)
}

/// Whether two files differ in nothing but these hashes of crates.
fn has_same_digest_without(one: &Path, other: &Path, hashes: &[CrateHash]) -> io::Result<bool> {
    let digest = |path| crate_hash::digest_without(path, hashes);
    Ok(digest(one)? == digest(other)?)
}

/// The offset at which two files that were compiled with different `CARGO_HOME`s begin to differ, apart from permitted
/// differences. Objects in libraries contain the path itself, which was overwritten.
fn difference_but_for_the_home(one: &Path, other: &Path) -> io::Result<Option<u64>> {
    let (one, other) = (fsio::open(one)?, fsio::open(other)?);
    let (one, other) = (Part::whole(&one)?, Part::whole(&other)?);
    if one.len() != other.len() {
        return Ok(Some(one.len().min(other.len())));
    }
    let (Some(ours), Some(theirs)) = (members(&one), members(&other)) else {
        return Ok(None);
    };
    if ours.len() != theirs.len() {
        return Ok(Some(0));
    }
    for (our, their) in ours.iter().zip(&theirs) {
        if our.name != their.name {
            return Ok(Some(our.part.range.start));
        }
        if !our.is_metadata()
            && let Some(offset) = difference_of(&our.part, &their.part)?
        {
            return Ok(Some(our.part.range.start + offset));
        }
    }
    Ok(None)
}

/// The offset in `one` and `other` from which they differ.
fn difference_of(one: &Part<'_>, other: &Part<'_>) -> io::Result<Option<u64>> {
    let (mut one, mut other) = (one.reader()?, other.reader()?);
    let mut offset = 0;
    loop {
        let (a, b) = (one.fill_buf()?, other.fill_buf()?);
        let length = a.len().min(b.len());
        if length == 0 {
            return Ok((a.len() != b.len()).then_some(offset));
        }
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        offset += same as u64;
        if same < length {
            return Ok(Some(offset));
        }
        one.consume(length);
        other.consume(length);
    }
}

/// The result of the comparison with these differences.
pub(super) fn verdict(differences: &[Difference]) -> Verified {
    if differences.is_empty() {
        Verified::Same
    } else if differences
        .iter()
        .any(|difference| difference.is_reproducible)
    {
        Verified::Differs
    } else {
        Verified::NotReproducible
    }
}

/// Logs the differences, if there are any, and returns a message about them.
pub(super) fn report(
    unit: &str,
    key: &str,
    origin: Origin,
    differences: &[Difference],
    state: &StateDir,
) -> Option<String> {
    let is_defect = |it: &&Difference| it.is_reproducible;
    let first = differences.iter().find(is_defect).or(differences.first())?;
    let from = match origin {
        Origin::Store => "the local store",
        _ => "sccache",
    };
    let logged = Logged {
        unit,
        key,
        from,
        differences,
    };
    let log = state.directory().join(LOG);
    if state.own_directory().is_some()
        && let Ok(mut line) = serde_json::to_vec(&logged)
    {
        line.push(b'\n');
        let _ = fsio::append_record(&log, &line);
    }
    let place = match first.offset {
        Some(offset) => format!("{} from byte {offset} on", first.what),
        None => first.what.clone(),
    };
    let more = match differences.len() - 1 {
        0 => String::new(),
        more => format!(" and in {more} more"),
    };
    let (reason, hint) = if first.is_reproducible {
        (
            "two compiles agree, so the entry was replaced",
            format!("all differences are in {}", log.display()),
        )
    } else {
        (
            "two compiles differ as well: it is not reproducible",
            "the output of a macro or of the compiler differs each time".to_owned(),
        )
    };
    Some(format!(
        "sccfg: verify: {unit} from {from} differs in {place}{more}; {reason}\nhint: {hint}\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_offset_of_the_first_difference_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("a"), directory.path().join("b"));
        // More than a reader has in memory.
        let long = ["a", "b"].map(|end| format!("{:20000}{end}", ""));
        for (a, b, offset) in [
            (&*long[0], &*long[0], None),
            (&long[0], &long[1], Some(20_000)),
            ("same", "same", None),
            ("abc", "abd", Some(2)),
            ("abc", "abcd", Some(3)),
            ("", "x", Some(0)),
        ] {
            fsio::replace(&one, a.as_bytes()).unwrap();
            fsio::replace(&other, b.as_bytes()).unwrap();
            assert_eq!(
                first_difference(&one, &other).unwrap(),
                offset,
                "{offset:?}"
            );
        }
    }
}
