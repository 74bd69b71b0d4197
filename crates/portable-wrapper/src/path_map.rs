//! The directories that differ between checkouts, and the placeholders that replace their paths in keys and shared files.
//!
//! A placeholder is as long as the longest supported path. So the real path can be written over it
//! in a program, without moving anything ([`super::binary`]).

mod replacer;
mod role;
mod spelling;
mod values;
mod vendored;

use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use memchr::memmem;
use serde::{Deserialize, Serialize};

use replacer::{Replacer, read_piece};
pub(super) use role::{PREFIX, Role, is_below_placeholder, placeholder_of_native_string};
use role::{REGISTRY, padded};
pub(super) use spelling::escaped;
pub(super) use values::{
    PROGRAM, SIGN, begins_with_padding, has_placeholder_in, has_placeholder_in_value,
    padding_in_value, without_padding,
};

/// The size of the read buffer, in bytes.
const PIECE: usize = 64 << 10;

/// rustc's flag that replaces the prefix of paths.
pub(super) const REMAP: &str = "--remap-path-prefix";
/// The flag of C compilers that replaces the prefix of paths in debug information.
pub(super) const DEBUG_REMAP: &str = "-fdebug-prefix-map";

/// A directory and its placeholder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Mapping {
    directory: String,
    role: Role,
    placeholder: String,
    /// Whether the placeholder is used only in keys and texts. Compiled files then contain the real
    /// path of one checkout, and delivery overwrites it with another one of the same length.
    is_unmapped: bool,
    /// Whether another spelling of the directory was added before this one.
    #[serde(default)]
    is_alias: bool,
    /// Whether this is a directory of vendored packages.
    #[serde(default)]
    is_vendored: bool,
}

/// The directories of one compile, the longest path first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PathMap(Vec<Mapping>);

impl PathMap {
    /// Adds `directory`. A second directory for a role is another spelling of the first, for
    /// example through a symbolic link. Returns `None` if the path is not UTF-8, not absolute, or
    /// too long.
    pub(super) fn add(&mut self, directory: &Path, role: Role) -> Option<()> {
        self.add_as(directory, role, role.placeholder().to_owned(), false)
    }

    /// Like [`Self::add`], but compiled files contain the real path. They can be shared between
    /// directories whose paths have the same length.
    pub(super) fn add_unmapped(&mut self, directory: &Path, role: Role) -> Option<()> {
        let length = directory.to_str()?.trim_end_matches('/').len();
        self.add_as(directory, role, padded(REGISTRY, length), true)
    }

    /// Adds the sources of registries. Compiled files contain the placeholder if the directory `is_mapped` and its path is not too
    /// long, otherwise its path, as with [`Self::add_unmapped`].
    pub(super) fn add_packages(&mut self, directory: &Path, is_mapped: bool) -> Option<()> {
        let mapped = is_mapped.then(|| self.add(directory, Role::CargoHome));
        mapped
            .flatten()
            .or_else(|| self.add_unmapped(directory, Role::CargoHome))
    }

    fn add_as(
        &mut self,
        directory: &Path,
        role: Role,
        placeholder: String,
        is_unmapped: bool,
    ) -> Option<()> {
        let text = directory.to_str()?.trim_end_matches('/');
        if !text.starts_with('/') || text.len() > placeholder.len() {
            return None;
        }
        if !self.0.iter().any(|known| known.directory == text) {
            let directory = text.to_owned();
            self.0.push(Mapping {
                directory,
                role,
                placeholder,
                is_unmapped,
                is_alias: self.directory(role).is_some(),
                is_vendored: false,
            });
            self.0
                .sort_by_key(|mapping| std::cmp::Reverse(mapping.directory.len()));
        }
        Some(())
    }

    /// The directory of a role; of several spellings the one that was added first.
    pub(super) fn directory(&self, role: Role) -> Option<&str> {
        Some(&self.mapping(role)?.directory)
    }

    fn mapping(&self, role: Role) -> Option<&Mapping> {
        let mut all = self.0.iter().filter(|mapping| mapping.role == role);
        all.find(|mapping| !mapping.is_alias)
    }

    /// The spelling of the directory of a role that `path` has, if it is this directory or below it.
    pub(super) fn around(&self, path: &Path, role: Role) -> Option<&Path> {
        let all = self.0.iter().filter(|mapping| mapping.role == role);
        let mut directories = all.map(|mapping| Path::new(&mapping.directory));
        directories.find(|directory| path.starts_with(directory))
    }

    /// Whether `path` is the directory of a role, or below it, in any spelling.
    pub(super) fn is_below(&self, path: &Path, role: Role) -> bool {
        self.around(path, role).is_some()
    }

    /// All mappings, in an order in which they can be added to another map.
    fn in_order(&self) -> impl Iterator<Item = &Mapping> {
        let of = |is_alias| {
            self.0
                .iter()
                .filter(move |mapping| mapping.is_alias == is_alias)
        };
        of(false).chain(of(true))
    }

    /// The directory that was added by [`Self::add_unmapped`], if any.
    pub(super) fn unmapped(&self) -> Option<&str> {
        let mapping = self.0.iter().find(|mapping| mapping.is_unmapped)?;
        Some(&mapping.directory)
    }

    /// The map without the directory that was added by [`Self::add_unmapped`].
    pub(super) fn without_unmapped(&self) -> Self {
        let others = self.0.iter().filter(|mapping| !mapping.is_unmapped);
        Self(others.cloned().collect())
    }

    /// The map for a checkout with the directories `to` instead of `from`, each with its role. `None` if this map has a
    /// directory that is not in `from`, or another spelling of one, or if a path in `to` is too long.
    pub(super) fn moved(&self, from: &[(Role, &str)], to: &[(Role, &str)]) -> Option<Self> {
        let is_of_checkout = |mapping: &&Mapping| mapping.role != Role::CargoHome;
        let others = self.0.iter().filter(|mapping| !is_of_checkout(mapping));
        let mut moved = Self(others.cloned().collect());
        for mapping in self.in_order().filter(is_of_checkout) {
            let here = (mapping.role, mapping.directory.as_str());
            let at = from.iter().position(|known| *known == here)?;
            let (role, directory) = to.get(at)?;
            moved.add(Path::new(directory), *role)?;
        }
        Some(moved)
    }

    /// Each role with its placeholder and its [directory](Self::directory).
    pub(super) fn placeholders(&self) -> impl Iterator<Item = (Role, &str, &str)> {
        [Role::Workspace, Role::Target, Role::CargoHome]
            .into_iter()
            .filter_map(|role| {
                let mapping = self.mapping(role)?;
                Some((role, &*mapping.placeholder, &*mapping.directory))
            })
    }

    /// As [`Self::placeholders`], for the directories that compiled files contain as placeholders.
    pub(super) fn mapped_placeholders(&self) -> impl Iterator<Item = (Role, &str, &str)> {
        let unmapped = self.unmapped();
        self.placeholders()
            .filter(move |(.., directory)| Some(*directory) != unmapped)
    }

    /// Whether `bytes` contain a placeholder.
    pub(super) fn has_placeholder(&self, bytes: &[u8]) -> bool {
        self.placeholders()
            .any(|(_, placeholder, _)| memmem::find(bytes, placeholder.as_bytes()).is_some())
    }

    /// The arguments, each starting with `flag`, that make a compiler write placeholders for the
    /// directories of the wanted roles. The longest path comes last, because compilers use the last
    /// argument that matches. C compilers compare characters, not path components, so they would
    /// also replace the start of `/a/bc` for `/a/b`; [`Self::matches_only_whole_components`] excludes that.
    pub(super) fn remaps(&self, flag: &str, is_wanted: impl Fn(Role) -> bool) -> Vec<String> {
        let pairs = self.0.iter().rev();
        pairs
            .filter(|mapping| !mapping.is_unmapped && is_wanted(mapping.role))
            .map(|mapping| format!("{flag}={}={}", mapping.directory, mapping.placeholder))
            .collect()
    }

    /// Whether each path in `text` that starts like one of the directories is that directory or below it. If the text
    /// `goes_on`, a directory at its end counts as a whole component.
    pub(super) fn matches_only_whole_components(&self, text: &[u8], goes_on: bool) -> bool {
        self.0.iter().all(|mapping| {
            let directory = mapping.directory.as_bytes();
            memmem::find_iter(text, directory).all(|at| match text.get(at + directory.len()) {
                Some(next) => matches!(next, b'/' | b'"'),
                None => goes_on,
            })
        })
    }

    /// `text` with the directories replaced by placeholders.
    pub(super) fn to_placeholders(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for mapping in &self.0 {
            let directory = mapping.directory.as_bytes();
            // Most values are shorter, or not paths.
            if text.len() < directory.len() || memchr::memchr(b'/', &text).is_none() {
                continue;
            }
            let found: Vec<usize> = occurrences(&text, directory).collect();
            text = replace(text, &found, directory.len(), &mapping.placeholder);
        }
        text
    }

    /// The BLAKE3 digest of `text` [with placeholders](Self::to_placeholders), in hexadecimal digits, without reading all of it
    /// into memory.
    ///
    /// # Errors
    /// If it cannot be read.
    pub(super) fn digest_with_placeholders(&self, mut text: impl Read) -> io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        let mut replacers: Vec<Replacer<'_>> = self.0.iter().map(Replacer::new).collect();
        let mut buffer = vec![0; PIECE];
        loop {
            let read = read_piece(&mut text, &mut buffer)?;
            let mut piece = buffer[..read].to_vec();
            for replacer in &mut replacers {
                piece = replacer.push(&piece, read == 0);
            }
            hasher.update(&piece);
            if read == 0 {
                return Ok(hasher.finalize().to_hex().to_string());
            }
        }
    }

    /// Like [`Self::to_placeholders`], for a `str`.
    pub(super) fn to_placeholders_str(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.to_placeholders(text.as_bytes())).into_owned()
    }

    /// Like [`Self::to_placeholders`], for a path. What is not UTF-8 is replaced.
    pub(super) fn to_placeholders_path(&self, path: &Path) -> String {
        let text = self.to_placeholders(path.as_os_str().as_encoded_bytes());
        String::from_utf8_lossy(&text).into_owned()
    }

    /// `text` with the placeholders replaced by the directories.
    pub(super) fn to_real_paths(&self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        if text.len() < PREFIX.len() || memmem::find(&text, PREFIX).is_none() {
            return text;
        }
        for (_, placeholder, directory) in self.placeholders() {
            let found: Vec<usize> = memmem::find_iter(&text, placeholder).collect();
            text = replace(text, &found, placeholder.len(), directory);
        }
        text
    }

    /// Like [`Self::to_real_paths`], for a `str`.
    pub(super) fn to_real_str(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.to_real_paths(text.as_bytes())).into_owned()
    }

    /// The role of the first mapped directory that `bytes` contain. In a program, other text may
    /// touch a path on both sides, so any occurrence counts. Only a path with one component, such
    /// as `/src`, must not be part of another one: too many paths contain it.
    pub(super) fn find_in(&self, bytes: &[u8]) -> Option<Role> {
        self.find_in_window(bytes, 0..bytes.len())
    }

    /// Like [`Self::find_in`], for a path that begins in the range `new` of `bytes`. Before and after it, `bytes` has
    /// [`Self::margin`] bytes more, or as many as there are.
    pub(super) fn find_in_window(&self, bytes: &[u8], new: Range<usize>) -> Option<Role> {
        let unmapped = self.unmapped().map(str::as_bytes);
        let is_in = |mapping: &&Mapping| {
            let directory = mapping.directory.as_bytes();
            // The path of an unmapped directory below this one contains that of this one.
            let below = unmapped.filter(|unmapped| unmapped.starts_with(directory));
            let counts = |at: usize| {
                new.contains(&at) && !below.is_some_and(|below| is_at(bytes, at, below))
            };
            if has_one_component(directory) {
                occurrences(bytes, directory).any(counts)
            } else if below.is_some() {
                memmem::find_iter(bytes, directory).any(counts)
            } else {
                memmem::find(bytes, directory).is_some()
            }
        };
        let mut others = self.0.iter().filter(|mapping| !mapping.is_unmapped);
        others.find(is_in).map(|mapping| mapping.role)
    }

    /// The number of bytes that decide whether a path begins at an offset: the length of the longest path, and one more.
    pub(super) fn margin(&self) -> usize {
        let lengths = self.0.iter().map(|mapping| {
            let Mapping {
                directory,
                placeholder,
                ..
            } = mapping;
            directory.len().max(placeholder.len())
        });
        lengths.max().unwrap_or(0) + 1
    }

    /// The directories that compiled files must not contain.
    pub(super) fn mapped_dirs(&self) -> impl Iterator<Item = (&str, Role)> {
        let others = self.0.iter().filter(|mapping| !mapping.is_unmapped);
        others.map(|mapping| (&*mapping.directory, mapping.role))
    }

    /// All directories, the longest first.
    pub(super) fn directories(&self) -> impl Iterator<Item = (Role, &str)> {
        self.0
            .iter()
            .map(|mapping| (mapping.role, &*mapping.directory))
    }

    /// Whether there are no directories.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The same directories, with a placeholder for each: for texts, whose length may change.
    /// `None` if one is too long.
    pub(super) fn all_mapped(&self) -> Option<Self> {
        let mut all = Self::default();
        for mapping in self.in_order() {
            all.add(Path::new(&mapping.directory), mapping.role)?;
        }
        Some(all)
    }

    /// Whether the directories look the same in any text: no letter in them is escaped in JSON, shell
    /// scripts, makefiles or URLs.
    pub(super) fn is_plain(&self) -> bool {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/_-.+".contains(letter);
        self.0
            .iter()
            .all(|mapping| mapping.directory.chars().all(is_plain))
    }

    /// All directories as a text, for a key with this checkout's paths.
    pub(super) fn spelled_out(&self) -> String {
        let mut all = String::new();
        for Mapping {
            directory, role, ..
        } in &self.0
        {
            all.push_str(&format!("{role:?}={directory}\n"));
        }
        all
    }
}

/// Another spelling of the directory `root`, for example through a symbolic link. `below` is a
/// directory in it, in that spelling.
pub(super) fn other_spelling(root: &Path, below: &Path) -> Option<PathBuf> {
    if below.starts_with(root) {
        return None;
    }
    let real = below.canonicalize().ok()?;
    let rest = real.strip_prefix(root).ok()?;
    let mut spelling = below.to_owned();
    for _ in rest.components() {
        spelling.pop();
    }
    (spelling.join(rest) == below).then_some(spelling)
}

/// Where `bytes` contain `directory`. Its last component must be complete: `/a/b` is not in
/// `/a/bc`. Letters may precede it, such as the `m` that ends a colour code, unless it has only one
/// component: `/a` is not in `x/a`.
fn occurrences<'a>(bytes: &'a [u8], directory: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    memmem::find_iter(bytes, directory).filter(move |at| {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before));
        let after = bytes.get(at + directory.len());
        is_occurrence(directory, before.copied(), after.copied())
    })
}

/// Whether `bytes` contain `directory`, or a path below it, at the offset `at`.
fn is_at(bytes: &[u8], at: usize, directory: &[u8]) -> bool {
    let after = bytes[at..].strip_prefix(directory);
    after.is_some_and(|after| is_occurrence(directory, None, after.first().copied()))
}

/// Whether an occurrence of `directory` between the bytes `before` and `after` is that directory, and not part of another path.
pub(super) fn is_occurrence(directory: &[u8], before: Option<u8>, after: Option<u8>) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_inside =
        has_one_component(directory) && before.is_some_and(|byte| is_name(byte) || byte == b'.');
    !is_inside && !after.is_some_and(is_name)
}

/// `bytes` with `from` replaced by `to`.
pub(super) fn replace_all(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let found: Vec<usize> = memmem::find_iter(bytes, from).collect();
    replace(bytes.to_vec(), &found, from.len(), to)
}

/// Whether a path has only one component.
pub(super) fn has_one_component(directory: &[u8]) -> bool {
    memchr::memrchr(b'/', directory) == Some(0)
}

/// `bytes` with `to` in place of the `length` bytes at each of `found`.
fn replace(bytes: Vec<u8>, found: &[usize], length: usize, to: impl AsRef<[u8]>) -> Vec<u8> {
    if found.is_empty() {
        return bytes;
    }
    let to = to.as_ref();
    let mut out = Vec::with_capacity(bytes.len() + found.len() * to.len().saturating_sub(length));
    let mut done = 0;
    for at in found {
        out.extend_from_slice(&bytes[done..*at]);
        out.extend_from_slice(to);
        done = at + length;
    }
    out.extend_from_slice(&bytes[done..]);
    out
}

#[cfg(test)]
mod tests;
