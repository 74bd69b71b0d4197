//! Sites that are written together, because what one writes moves the others.

use object::elf;

use super::super::super::path_map::PathMap;
use super::{Kind, PlaceholderSite};

/// Sites that are written together: those in a list of directories, or one elsewhere.
#[derive(Clone, Copy)]
pub(super) struct Run<'a>(&'a [PlaceholderSite]);

impl<'a> Run<'a> {
    pub(super) fn all(sites: &'a [PlaceholderSite]) -> impl Iterator<Item = Self> {
        sites.chunk_by(|site, next| site.is_before(*next)).map(Run)
    }

    pub(super) fn offset(self) -> u64 {
        self.0.first().map_or(0, |site| site.offset)
    }

    pub(super) fn len(self) -> usize {
        self.0.iter().map(|site| site.len()).sum()
    }

    pub(super) fn has_rest(self) -> bool {
        self.0.iter().any(|site| site.rest() > 0)
    }

    fn is_list(self) -> bool {
        matches!(
            self.0,
            [
                PlaceholderSite {
                    kind: Kind::Directory(_),
                    ..
                },
                ..
            ]
        )
    }

    /// The number of bytes that remain if the directories of `path_map` are written.
    fn free(self, path_map: &PathMap) -> usize {
        let lengths = self.0.iter().map(|site| {
            let directory = directory(path_map, *site);
            directory.len() + site.rest()
        });
        self.len().saturating_sub(lengths.sum())
    }

    /// Whether a slash follows the first directory: a NUL byte alone is no directory, but the end of a list.
    fn has_slash(self, path_map: &PathMap) -> bool {
        self.is_list() && self.free(path_map) == 1
    }

    /// What moves, in the `bytes` of this run with the directories of `path_map`.
    pub(super) fn rests(self, bytes: &[u8], path_map: &PathMap) -> Vec<Vec<u8>> {
        let mut at = usize::from(self.has_slash(path_map));
        let mut rests = Vec::new();
        for site in self.0 {
            at += directory(path_map, *site).len();
            let rest = bytes.get(at..at + site.rest());
            rests.push(rest.unwrap_or_default().to_vec());
            at += site.rest();
        }
        rests
    }

    /// The bytes of this run with the directories of `path_map`.
    pub(super) fn with(self, rests: &[Vec<u8>], path_map: &PathMap) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        let has_slash = self.has_slash(path_map);
        for (nth, (site, rest)) in self.0.iter().zip(rests).enumerate() {
            let directory = directory(path_map, *site);
            if let Kind::SectionFlags(flags) = site.kind {
                let merging: u64 = elf::SHF_MERGE.0 | elf::SHF_STRINGS.0;
                let is_written = path_map.mapped_placeholders().next().is_some();
                let flags = if is_written { flags & !merging } else { flags };
                bytes.extend(flags.to_le_bytes());
                continue;
            }
            if let Some((size, whole)) = site.length_field() {
                let rest = whole - site.placeholder().len() as u64;
                let length = (rest + directory.len() as u64).to_le_bytes();
                bytes.extend(length.iter().take(size));
                continue;
            }
            bytes.extend(directory.as_bytes());
            if has_slash && nth == 0 {
                bytes.push(b'/');
            }
            bytes.extend(rest);
        }
        let padding = match self.0 {
            [site, ..] if matches!(site.kind, Kind::Middle | Kind::Directory(_)) => b'/',
            _ => 0,
        };
        if self.is_list() && bytes.len() < self.len() {
            bytes.resize(self.len() - 1, padding);
            bytes.push(0);
        }
        bytes.resize(self.len(), padding);
        bytes
    }
}

/// The directory at this site, or its placeholder if there is none.
fn directory(path_map: &PathMap, site: PlaceholderSite) -> &str {
    let mut all = path_map.mapped_placeholders();
    let found = all.find(|(other, ..)| *other == site.role);
    found.map_or(site.placeholder(), |(.., directory)| directory)
}
