//! Whether a path that is missing may only be on a disk that is not mounted.

use std::path::{Path, PathBuf};

use sccfg_util::fsio;

/// Where systems mount removable disks and shares.
const REMOVABLE: [&str; 4] = ["/media", "/run/media", "/mnt", "/Volumes"];

/// Whether the file system that `path` would be on is mounted, as far as can be known.
pub(super) fn is_mounted(path: &Path) -> bool {
    let is_below_removable = REMOVABLE
        .iter()
        .any(|directory| path.starts_with(directory));
    if is_below_removable && device_of(path) == device_of(Path::new("/")) {
        return false;
    }
    let points = mount_points(&fsio::read_text("/etc/fstab").unwrap_or_default());
    let above = points.iter().filter(|point| path.starts_with(point));
    above
        .filter_map(|point| Some((point, point.parent()?)))
        .all(|(point, parent)| device_of(point) != device_of(parent))
}

/// A directory below `directory` on which something is mounted, also a directory of the same file system.
pub(super) fn inside(directory: &Path) -> Option<PathBuf> {
    let table = fsio::read_text("/proc/self/mountinfo").unwrap_or_default();
    let points = table.lines().filter_map(|line| line.split(' ').nth(4));
    let mut points = points.map(unescaped);
    points.find(|point| point != directory && point.starts_with(directory))
}

/// A path in a table of mounts, where a blank is written as `\040`.
fn unescaped(path: &str) -> PathBuf {
    PathBuf::from(path.replace("\\040", " "))
}

/// The file system of the nearest existing directory.
fn device_of(path: &Path) -> Option<u64> {
    let mut stats = path.ancestors().map(fsio::stat);
    stats.find_map(|stat| Some(stat.ok()?.inode.0))
}

/// The mount points that a table like `/etc/fstab` names.
fn mount_points(table: &str) -> Vec<PathBuf> {
    let lines = table
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let points = lines.filter_map(|line| line.split_whitespace().nth(1));
    points
        .filter(|point| point.starts_with('/'))
        .map(unescaped)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mount_points_are_read_from_the_table() {
        let table = "# <file system> <mount point>\nUUID=1 / ext4\nUUID=2 none swap\n/dev/b /a\\040b ext4 noauto 0 0\n";
        assert_eq!(mount_points(table), [Path::new("/"), Path::new("/a b")]);
    }

    #[test]
    fn a_missing_removable_disk_is_not_mounted() {
        assert!(!is_mounted(Path::new("/media/nobody/no-such-disk/project")));
        assert!(is_mounted(Path::new("/no/such/directory")));
    }
}
