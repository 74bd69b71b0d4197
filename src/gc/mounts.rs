//! Whether a missing path may be on a disk that is not mounted.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use sccfg_util::fsio;

/// The directories in which systems mount removable disks and network shares.
const REMOVABLE: [&str; 4] = ["/media", "/run/media", "/mnt", "/Volumes"];

/// Whether the file system that `path` would be on is mounted, as far as the mount tables show.
pub(super) fn is_mounted(path: &Path) -> bool {
    let is_below_removable = REMOVABLE
        .iter()
        .any(|directory| path.starts_with(directory));
    if is_below_removable && device_of(path) == device_of(Path::new("/")) {
        return false;
    }
    let points = mount_points(&fsio::read_bytes("/etc/fstab").unwrap_or_default());
    let above = points.iter().filter(|point| path.starts_with(point));
    above
        .filter_map(|point| Some((point, point.parent()?)))
        .all(|(point, parent)| device_of(point) != device_of(parent))
}

/// A mount point below `directory`, also of a directory of the same file system (bind mount).
pub(super) fn inside(directory: &Path) -> Option<PathBuf> {
    let table = fsio::read_bytes("/proc/self/mountinfo").unwrap_or_default();
    let lines = table.split(|byte| *byte == b'\n');
    let points = lines.filter_map(|line| line.split(|byte| *byte == b' ').nth(4));
    let mut points = points.map(unescaped);
    points.find(|point| point != directory && point.starts_with(directory))
}

/// A path in a table of mounts, where a space, a tab, a line break and a backslash are octal escapes: `\040`.
fn unescaped(path: &[u8]) -> PathBuf {
    let mut bytes = Vec::new();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        let digits = after
            .get(..3)
            .and_then(|digits| str::from_utf8(digits).ok());
        let number = digits.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match number {
            Some(number) if *first == b'\\' => {
                bytes.push(number);
                rest = &after[3..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes).into()
}

/// The file system of the nearest existing directory.
fn device_of(path: &Path) -> Option<u64> {
    let mut stats = path.ancestors().map(fsio::stat);
    stats.find_map(|stat| Some(stat.ok()?.inode.0))
}

/// The mount points in a table such as `/etc/fstab`.
fn mount_points(table: &[u8]) -> Vec<PathBuf> {
    let point = |line: &[u8]| {
        let words = line.split(u8::is_ascii_whitespace);
        let mut words = words.filter(|word| !word.is_empty());
        let device = words.next()?;
        let point = words.next()?;
        let is_one = !device.starts_with(b"#") && point.starts_with(b"/");
        is_one.then(|| unescaped(point))
    };
    let lines = table.split(|byte| *byte == b'\n');
    lines.filter_map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_from_the_table() {
        let table = b"# <file system> /mount\nUUID=1 / ext4\nUUID=2 none swap\n\n/dev/b\t /a\\040b\\134c\\0 ext4 noauto 0 0\n";
        assert_eq!(
            mount_points(table),
            [Path::new("/"), Path::new("/a b\\c\\0")]
        );
    }

    #[test]
    fn a_missing_removable_disk_is_not_mounted() {
        assert!(!is_mounted(Path::new("/media/nobody/no-such-disk/project")));
        assert!(is_mounted(Path::new("/no/such/directory")));
    }
}
