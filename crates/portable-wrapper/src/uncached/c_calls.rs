//! Calls of C compilers by sccache, and the modes of the files that they write.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Output};

use super::{beside, by_sccache, print, split};
use crate::cc::output_arg;
use crate::path_map::PathMap;
use crate::sccache::Sccache;
use sccfg_util::{env, fsio};

/// A variable whose value is part of sccache's keys for C.
const C_CACHE_BUSTER_VARIABLE: &str = "SCCACHE_C_CUSTOM_CACHE_BUSTER";

/// Has sccache run a call other than the compile of a crate. `headers` is the digest of the headers' directories; empty if it
/// is not known.
pub(crate) fn other_by_sccache(
    sccache: &Sccache,
    arguments: &[OsString],
    headers: &str,
) -> ExitCode {
    let path_map = PathMap::default();
    let changes: Vec<_> = (!headers.is_empty())
        .then(|| {
            let mut value = env::var_os(C_CACHE_BUSTER_VARIABLE).unwrap_or_default();
            value.push(headers);
            (C_CACHE_BUSTER_VARIABLE.into(), Some(value))
        })
        .into_iter()
        .collect();
    let (_, args) = split(arguments);
    let written = WrittenFiles::before(args);
    let Some(output) = output_arg(args) else {
        // Only the exit status shows whether it succeeded.
        let delivered = |done: &Output| {
            written.set_modes();
            print(&done.stdout, &done.stderr, &path_map);
            Ok(true)
        };
        let is_written = || true;
        return by_sccache(
            sccache, arguments, arguments, &changes, &path_map, delivered, is_written,
        );
    };
    // A server that answers late writes only to a file of this process.
    let temporary = beside(&output.path);
    let mut moved = arguments.to_vec();
    if output.is_movable {
        moved[output.at + 1] = temporary.clone().into();
    }
    let before = fsio::file_id(&output.path);
    let delivered = |done: &Output| {
        if output.is_movable {
            if !fsio::exists(&temporary) {
                return Ok(false);
            }
            fsio::rename(&temporary, &output.path)?;
        } else if fsio::file_id(&output.path) == before {
            return Ok(false);
        }
        written.set_modes();
        print(&done.stdout, &done.stderr, &path_map);
        Ok(true)
    };
    // Some calls only print something. sccache fails for them, because there is no output to store.
    let is_written = || {
        let now = fsio::file_id(&output.path);
        now.is_some() && now != before
    };
    let code = by_sccache(
        sccache, arguments, &moved, &changes, &path_map, delivered, is_written,
    );
    let _ = fsio::remove_file(&temporary);
    code
}

/// The files that a C compiler may write, with their inodes, which show whether they were replaced. sccache's server creates files with
/// its own umask.
struct WrittenFiles(Vec<(PathBuf, Option<(u64, u64)>)>);

impl WrittenFiles {
    /// Those of a command line, before it is run.
    fn before(args: &[OsString]) -> Self {
        let of_flag = |flag: &str| {
            let mut pairs = args.iter().zip(args.iter().skip(1));
            let separate = pairs.find(|(argument, _)| *argument == flag);
            let attached = || {
                let mut words = args.iter().filter_map(|argument| argument.to_str());
                words.find_map(|word| word.strip_prefix(flag).map(PathBuf::from))
            };
            separate
                .map(|(_, value)| PathBuf::from(value))
                .or_else(attached)
        };
        // Without a name, the compiler names it after the source.
        let by_source = || {
            let names = args
                .iter()
                .filter_map(|argument| Path::new(argument).file_name());
            let names = names.map(|name| Path::new(name).with_extension("o"));
            names.collect()
        };
        let mut all = of_flag("-o").map_or_else(by_source, |output| vec![output]);
        let beside = |object: &PathBuf| ["d", "dwo", "gcno"].map(|end| object.with_extension(end));
        all.extend(all.iter().flat_map(beside).collect::<Vec<_>>());
        all.extend(of_flag("-MF"));
        let with_inode = |path: PathBuf| {
            let inode = inode_of(&path);
            (path, inode)
        };
        Self(all.into_iter().map(with_inode).collect())
    }

    /// Gives those that are new the modes that the compiler would have given them.
    fn set_modes(&self) {
        for (path, before) in &self.0 {
            let now = inode_of(path);
            if now.is_some() && now != *before {
                // Of another user, they are as they are.
                let _ = fsio::set_mode_of_output(path);
            }
        }
    }
}

/// Device and inode of the regular file at `path`.
fn inode_of(path: &Path) -> Option<(u64, u64)> {
    let stat = fsio::stat(path).ok();
    stat.filter(|_| path.is_file()).map(|stat| stat.inode)
}
