//! The offsets of the placeholders in a linked file: stored with it, so that it is searched only once, after the link.

mod run;

use std::fs::File;
use std::io::{self, Read as _};
use std::ops::ControlFlow;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use self::run::Run;
use super::super::path_map::{
    PathMap, Role, SIGN, begins_with_padding, placeholder_of_native_string,
};
use super::super::windows::{Part, Window};
use super::locations::{self, Name, Width};
use super::sections::{Writable, writable_parts};
use super::{Placeholder, Writer, library_locations, line_tables, own};
use sccfg_util::fsio::{self, Patcher};

/// A placeholder in a linked file or a library, or a field that changes with one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Role, Kind)", into = "(u64, Role, Kind)")]
pub(crate) struct PlaceholderSite {
    /// The offset of its first byte in the file.
    offset: u64,
    role: Role,
    kind: Kind,
}

/// The bytes over which a directory is written. Lengths are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kind {
    /// A placeholder at the end of a string. The directory is padded with NUL bytes.
    End,
    /// A placeholder before the rest of a path, or in a list of strings. The directory is padded with slashes.
    Middle,
    /// A placeholder in the [name](locations::Name) of a source file, before this many bytes of the name, which move behind the
    /// directory.
    Name(u64),
    /// A 64-bit length field of such a name, with this length including the placeholder.
    Length(u64),
    /// A placeholder in the value of a variable, before this many bytes, which move behind the directory.
    Value(u64),
    /// A length field of a value, with this length including the placeholder.
    ValueLength(u64, Width),
    /// The flags of a section with values, in 64 bits. The linker may not merge the strings there once the length of a text is
    /// written into one, as the length may contain a NUL byte.
    SectionFlags(u64),
    /// A placeholder of a value in a place where values are not understood.
    UnknownValue,
    /// A placeholder in the [list of directories](line_tables) of a line table, before this many bytes up to the next one or to the
    /// end of the list. The rest of the list moves, and another directory fills it up.
    Directory(u64),
}

impl From<(u64, Role, Kind)> for PlaceholderSite {
    fn from((offset, role, kind): (u64, Role, Kind)) -> Self {
        Self { offset, role, kind }
    }
}

impl From<PlaceholderSite> for (u64, Role, Kind) {
    fn from(site: PlaceholderSite) -> Self {
        (site.offset, site.role, site.kind)
    }
}

impl PlaceholderSite {
    /// The role of its directory.
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Whether it is that of the value of a variable.
    pub(crate) fn is_of_value(&self) -> bool {
        matches!(
            self.kind,
            Kind::Value(_) | Kind::ValueLength(..) | Kind::SectionFlags(_) | Kind::UnknownValue
        )
    }

    /// The number of bytes that follow the placeholder and move with it.
    fn rest(self) -> usize {
        match self.kind {
            Kind::Name(rest) | Kind::Directory(rest) | Kind::Value(rest) => {
                usize::try_from(rest).unwrap_or_default()
            }
            Kind::End
            | Kind::Middle
            | Kind::Length(_)
            | Kind::ValueLength(..)
            | Kind::SectionFlags(_)
            | Kind::UnknownValue => 0,
        }
    }

    /// The placeholder at this site.
    fn placeholder(self) -> &'static str {
        if self.is_of_value() {
            self.role.placeholder_in_value()
        } else {
            self.role.placeholder()
        }
    }

    /// The length field at this site: its size in bytes, and the length with the placeholder.
    fn length_field(self) -> Option<(usize, u64)> {
        match self.kind {
            Kind::Length(whole) => Some((Width::Double.bytes(), whole)),
            Kind::ValueLength(whole, width) => Some((width.bytes(), whole)),
            _ => None,
        }
    }

    /// Its length in bytes.
    fn len(self) -> usize {
        match (self.kind, self.length_field()) {
            (Kind::SectionFlags(_), _) => size_of::<u64>(),
            (_, Some((size, _))) => size,
            (_, None) => self.placeholder().len() + self.rest(),
        }
    }

    /// Whether `next` is the next site in the same list of directories.
    fn is_before(self, next: Self) -> bool {
        let is_directory = |site: Self| matches!(site.kind, Kind::Directory(_));
        let end = self.offset + self.len() as u64;
        is_directory(self) && is_directory(next) && end == next.offset
    }
}

/// The sites of the names of source files and of the values of variables, and of their lengths.
fn of_names(names: Vec<Name>) -> impl Iterator<Item = PlaceholderSite> {
    names.into_iter().flat_map(|name| {
        let rest = name.length - name.placeholder_len() + name.tail;
        let length = name.before + name.length;
        let Name {
            role,
            offset,
            is_value,
            lengths,
            merged,
            ..
        } = name;
        let merged = merged.map(|section| (section.offset, Kind::SectionFlags(section.flags)));
        let kinds = lengths.into_iter().map(move |field| {
            let kind = if is_value {
                Kind::ValueLength(length, field.width)
            } else {
                Kind::Length(length)
            };
            (field.offset, kind)
        });
        let kind = if is_value {
            Kind::Value(rest)
        } else {
            Kind::Name(rest)
        };
        std::iter::once((offset, kind))
            .chain(kinds)
            .chain(merged)
            .map(move |(offset, kind)| PlaceholderSite { offset, role, kind })
    })
}

/// The maximum number of sites that are stored. A file with more is searched each time.
const MOST: usize = 4096;

/// The sites of these names, by offset; `None` if there are too many.
pub(super) fn few_of_names(names: Vec<Name>) -> Option<Vec<PlaceholderSite>> {
    let sites = ordered(of_names(names).collect())?;
    (sites.len() <= MOST).then_some(sites)
}

/// `sites` by offset, each of them once; `None` if two of them contradict each other.
fn ordered(mut sites: Vec<PlaceholderSite>) -> Option<Vec<PlaceholderSite>> {
    sites.sort_unstable_by_key(|site| site.offset);
    // Several values may be in one section, and several instructions may share an operand.
    sites.dedup_by(|next, site| {
        let is_same_section = matches!(site.kind, Kind::SectionFlags(_)) && site.kind == next.kind;
        site.offset == next.offset && (is_same_section || site == next)
    });
    let mut pairs = sites.windows(2);
    let is_contradicted = pairs.any(|pair| pair[0].offset == pair[1].offset);
    (!is_contradicted).then_some(sites)
}

/// The size of the read buffer, in bytes.
const PIECE: usize = 64 << 10;

/// The placeholders of a linked file, by offset; `None` if there are too many, or if one is in a string of a native library,
/// whose rest moves when the path is written.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn find(file: &File, path_map: &PathMap) -> io::Result<Option<Vec<PlaceholderSite>>> {
    let whole = Part::whole(file)?;
    let all: Vec<_> = path_map.mapped_placeholders().collect();
    let finders: Vec<_> = all
        .iter()
        .map(|(role, placeholder, _)| (*role, memmem::Finder::new(placeholder)))
        .collect();
    let text = placeholder_of_native_string();
    // A value is recognised by some bytes behind the placeholder.
    let margin = path_map.margin().max(text.len()) + SIGN;
    let text = memmem::Finder::new(&text);
    let mut has_text = false;
    let lengths = all.iter().map(|(_, placeholder, _)| placeholder.len());
    let shortest = lengths.min().unwrap_or(0) as u64;
    let mut found = Vec::new();
    let parts = writable_parts(&whole).into_iter();
    for Writable { part, has_lists } in parts.filter(|found| found.part.len() >= shortest) {
        let first = found.len();
        part.visit(margin, |Window { bytes, at, new }| {
            has_text |= text.find(bytes).is_some();
            for (role, finder) in &finders {
                let begins = finder.find_iter(bytes).filter(|begin| new.contains(begin));
                found.extend(begins.map(|begin| PlaceholderSite {
                    offset: at + begin as u64,
                    role: *role,
                    kind: match begin + finder.needle().len() {
                        end if begins_with_padding(&bytes[end..]) => Kind::UnknownValue,
                        end if Placeholder::is_end(bytes, end, has_lists) => Kind::End,
                        _ => Kind::Middle,
                    },
                }));
            }
            Ok(ControlFlow::<()>::Continue(()))
        })?;
        if has_lists {
            found[first..].sort_unstable_by_key(|site| site.offset);
            set_directories(&mut found[first..], &part)?;
        }
    }
    let may_be_name =
        |site: &PlaceholderSite| matches!(site.kind, Kind::Middle | Kind::UnknownValue);
    if found.iter().any(may_be_name) {
        let names = match locations::find(file)? {
            Some(names) => names,
            None => library_locations::names_in_static_library(file)?,
        };
        let names: Vec<_> = of_names(names).collect();
        found.retain(|site| !names.iter().any(|name| name.offset == site.offset));
        found.extend(names);
    }
    let Some(found) = ordered(found) else {
        return Ok(None);
    };
    let is_unknown = unknown_value(&found).is_some();
    Ok((found.len() <= MOST && !has_text || is_unknown).then_some(found))
}

/// The role of the first of these sites that is a value in a place where values are not understood.
pub(crate) fn unknown_value(sites: &[PlaceholderSite]) -> Option<Role> {
    let unknown = sites.iter().find(|site| site.kind == Kind::UnknownValue);
    unknown.map(|site| site.role)
}

/// As [`super::deliver`], for a file with these placeholders.
///
/// # Errors
/// If a file cannot be read or written.
pub(crate) fn deliver(
    from: &Path,
    to: &Path,
    sites: &[PlaceholderSite],
    path_map: &PathMap,
    writer: Writer,
) -> io::Result<()> {
    own(from, writer)?;
    write(from, sites, path_map)?;
    fsio::rename(from, to)
}

/// Changes the kind of those of `sites` that are in a list of directories. `tables` is the section of line tables that has them. A
/// value there is the directory of included code.
fn set_directories(sites: &mut [PlaceholderSite], tables: &Part<'_>) -> io::Result<()> {
    let offsets: Vec<u64> = sites.iter().map(|site| site.offset).collect();
    for list in line_tables::directory_lists(tables, &offsets)? {
        let [first, last] =
            [list.start, list.end].map(|at| sites.partition_point(|site| site.offset < at));
        let mut end = list.end;
        let directories = sites[first..last].iter_mut().rev();
        for site in directories.filter(|site| !site.is_of_value()) {
            let rest = end - site.offset - site.role.placeholder().len() as u64;
            end = site.offset;
            site.kind = Kind::Directory(rest);
        }
    }
    Ok(())
}

/// Writes real paths over these placeholders of the file at `path`.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn write(path: &Path, sites: &[PlaceholderSite], path_map: &PathMap) -> io::Result<()> {
    rewrite(path, sites, &PathMap::default(), path_map)
}

/// Writes the paths of `to` over those of `from`, which [`write()`] wrote at these sites of the file at `path`.
///
/// # Errors
/// If it cannot be read or written.
pub(crate) fn rewrite(
    path: &Path,
    sites: &[PlaceholderSite],
    from: &PathMap,
    to: &PathMap,
) -> io::Result<()> {
    let file = fsio::open(path)?;
    let mut patcher = Patcher::of(path);
    for run in Run::all(sites) {
        let mut bytes = Vec::new();
        if run.has_rest() {
            bytes.resize(run.len(), 0);
            file.read_exact_at(&mut bytes, run.offset())?;
        }
        let rests = run.rests(&bytes, from);
        patcher.write(run.offset(), &run.with(&rests, to))?;
    }
    patcher.finish()
}

/// Writes real paths into the names of source files of the linked file at `path`, if only locations refer to these names.
///
/// # Errors
/// If it cannot be read or written.
pub(super) fn write_names(path: &Path, path_map: &PathMap) -> io::Result<()> {
    let names = locations::find(&fsio::open(path)?)?.unwrap_or_default();
    write(path, &of_names(names).collect::<Vec<_>>(), path_map)
}

/// The digest of the file at `path` with placeholders instead of the paths that [`write()`] wrote at `sites`. `None` if it
/// cannot be read, or has other bytes at a site.
pub(crate) fn digest_with(
    path: &Path,
    sites: &[PlaceholderSite],
    path_map: &PathMap,
) -> Option<String> {
    let mut file = fsio::open(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut at = 0;
    for run in Run::all(sites) {
        let before = run.offset().checked_sub(at)?;
        hash(&mut file, before, &mut buffer, &mut hasher)?;
        let mut written = vec![0; run.len()];
        file.read_exact(&mut written).ok()?;
        let rests = run.rests(&written, path_map);
        if written != run.with(&rests, path_map) {
            return None;
        }
        hasher.update(&run.with(&rests, &PathMap::default()));
        at = run.offset() + written.len() as u64;
    }
    hash(&mut file, u64::MAX, &mut buffer, &mut hasher)?;
    Some(hasher.finalize().to_hex().to_string())
}

/// Hashes the next bytes of a file, at most `count`.
fn hash(file: &mut File, count: u64, buffer: &mut [u8], hasher: &mut blake3::Hasher) -> Option<()> {
    let mut left = count;
    while left > 0 {
        let most = buffer
            .len()
            .min(usize::try_from(left).unwrap_or(usize::MAX));
        let part = buffer.get_mut(..most)?;
        let read = match file.read(part) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read.ok()?,
        };
        if read == 0 {
            break;
        }
        hasher.update(&part[..read]);
        left -= read as u64;
    }
    (left == 0 || count == u64::MAX).then_some(())
}

#[cfg(test)]
mod tests;
