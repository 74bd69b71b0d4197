//! Whether a directory can hold a cache: whether it is writable, and its file system has space.

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::is_writable;

const NFS: &str = "NFS";

/// `FUSE_SUPER_MAGIC` of `linux/magic.h`.
#[cfg(target_os = "linux")]
const FUSE: u32 = 0x6573_5546;

/// Programs whose FUSE file systems are on other machines, as they name themselves to the kernel, with the usual names.
#[cfg(target_os = "linux")]
const FUSE_PROGRAMS: [(&str, &str); 14] = [
    ("sshfs", "SSHFS"),
    ("rclone", "rclone"),
    ("s3fs", "s3fs"),
    ("mount-s3", "Mountpoint for Amazon S3"),
    ("goofys", "Goofys"),
    ("gcsfuse", "Cloud Storage FUSE"),
    ("blobfuse2", "BlobFuse"),
    ("juicefs", "JuiceFS"),
    ("JuiceFS", "JuiceFS"),
    ("glusterfs", "GlusterFS"),
    ("ceph-fuse", "Ceph"),
    ("mfs", "MooseFS"),
    ("davfs2", "WebDAV"),
    ("seaweedfs", "SeaweedFS"),
];

/// The space of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that are free for this user.
    pub free: u64,
    /// All bytes.
    pub total: u64,
    /// Whether no more files can be created, because the file system has no free inodes.
    pub has_no_inodes: bool,
}

/// The space of the file system of `path`; `None` if the system does not tell.
pub fn space(path: &Path) -> Option<Space> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(Space {
        free: stat.f_bavail.saturating_mul(stat.f_frsize),
        total: stat.f_blocks.saturating_mul(stat.f_frsize),
        // Btrfs and others have no limit, and report zero.
        has_no_inodes: stat.f_files > 0 && stat.f_favail == 0,
    })
}

/// Whether programs and libraries can be loaded from the directory `path`, or from the nearest one above it that exists: its
/// file system is not mounted with `noexec`.
#[cfg(target_os = "linux")]
pub fn allows_programs(path: &Path) -> bool {
    use rustix::fs::{StatVfsMountFlags, statvfs};
    let mut found = path.ancestors().filter_map(|path| statvfs(path).ok());
    found
        .next()
        .is_none_or(|found| !found.f_flag.contains(StatVfsMountFlags::NOEXEC))
}

/// Other systems do not tell by `statvfs`.
#[cfg(not(target_os = "linux"))]
pub fn allows_programs(_path: &Path) -> bool {
    true
}

/// The number of the file system of `path`, or of the nearest directory above it that exists.
pub fn device(path: &Path) -> Option<u64> {
    let mut existing = path.ancestors().filter_map(|path| fs::metadata(path).ok());
    existing.next().map(|metadata| metadata.dev())
}

/// The numbers of the file system and of the mount of `path`, or of the nearest directory above it that exists. A file
/// system may be mounted at several places, as in a container; nothing can be renamed from one to another.
#[cfg(target_os = "linux")]
pub fn mount(path: &Path) -> Option<(u64, u64)> {
    use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
    let mut found = path
        .ancestors()
        .filter_map(|path| statx(CWD, path, AtFlags::empty(), StatxFlags::MNT_ID).ok());
    let found = found.next()?;
    let device = u64::from(found.stx_dev_major) << 32 | u64::from(found.stx_dev_minor);
    // Zero if the system does not report it.
    Some((device, found.stx_mnt_id))
}

/// The number of the file system of `path`, or of the nearest directory above it that exists.
#[cfg(not(target_os = "linux"))]
pub fn mount(path: &Path) -> Option<(u64, u64)> {
    device(path).map(|device| (device, 0))
}

/// The name of the network file system of `path`, or of the nearest directory above it that exists;
/// `None` if it is a local one.
#[cfg(target_os = "linux")]
pub fn network_file_system(path: &Path) -> Option<&'static str> {
    let existing = path.ancestors().find(|path| path.exists())?;
    let stat = rustix::fs::statfs(existing).ok()?;
    match u32::try_from(stat.f_type).ok()? {
        FUSE => {
            let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
            fuse_network_name(&mounts, fs::metadata(existing).ok()?.dev())
        }
        magic => network_name(magic),
    }
}

/// Whether `path` is on NFS, where cargo takes no locks (`is_on_nfs_mount` in its `util/flock.rs`). False on systems
/// other than Linux, where cargo does not look either.
pub fn is_on_nfs(path: &Path) -> bool {
    network_file_system(path) == Some(NFS)
}

/// `None`: not known on this system.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The name of a network file system by its number (`linux/magic.h`).
#[cfg(target_os = "linux")]
fn network_name(magic: u32) -> Option<&'static str> {
    match magic {
        0x6969 => Some(NFS),
        0x517B | 0xFF53_4D42 | 0xFE53_4D42 => Some("SMB"),
        0x5346_414F => Some("AFS"),
        0x00C3_6400 => Some("Ceph"),
        0x0102_1997 => Some("9p"),
        0x0BD0_0BD0 => Some("Lustre"),
        _ => None,
    }
}

/// The name of a FUSE network file system by the device of its files. The magic number is that of all FUSE file systems,
/// including local ones such as NTFS or mergerfs, but `mounts` (`proc_pid_mountinfo(5)`) names the program.
#[cfg(target_os = "linux")]
fn fuse_network_name(mounts: &str, device: u64) -> Option<&'static str> {
    let device = format!(
        "{}:{}",
        rustix::fs::major(device),
        rustix::fs::minor(device)
    );
    let mount = mounts
        .lines()
        .find(|mount| mount.split(' ').nth(2) == Some(device.as_str()))?;
    let (_, kind) = mount.split_once(" - ")?;
    let program = kind.split(' ').next()?.strip_prefix("fuse.")?;
    FUSE_PROGRAMS
        .iter()
        .find(|(name, _)| *name == program)
        .map(|(_, name)| *name)
}

/// A directory that is to hold the cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// The directory, which need not exist.
    pub path: PathBuf,
    /// Whether it can be used.
    pub state: DirState,
    /// Bytes that are free for this user on its file system.
    pub free: Option<u64>,
    /// All bytes of that file system.
    pub total: Option<u64>,
}

/// Whether a directory can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirState {
    /// It exists and is writable.
    Writable,
    /// It does not exist, and can be created.
    Creatable,
    /// It does not exist, and the nearest existing parent is not writable.
    NotCreatable,
    /// It exists and is not writable.
    ReadOnly,
    /// It, or its nearest existing parent, is not a directory.
    NotADirectory,
}

/// Checks the directory that is to hold the cache.
pub fn inspect_dir(path: PathBuf) -> Directory {
    let existing = path
        .ancestors()
        .find(|directory| directory.exists())
        .unwrap_or(Path::new("/"));
    let state = match (existing == path, existing.is_dir(), is_writable(existing)) {
        (_, false, _) => DirState::NotADirectory,
        (true, true, true) => DirState::Writable,
        (true, true, false) => DirState::ReadOnly,
        (false, true, true) => DirState::Creatable,
        (false, true, false) => DirState::NotCreatable,
    };
    let space = space(existing);
    Directory {
        state,
        free: space.map(|space| space.free),
        total: space.map(|space| space.total),
        path,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn file_systems_are_distinguished() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("a/b");
        assert_eq!(device(&missing), device(directory.path()));
        assert_ne!(device(Path::new("/proc/self")), device(directory.path()));
        assert_eq!(network_name(0x6969), Some("NFS"));
        // ext4, btrfs, tmpfs
        for local in [0xEF53, 0x9123_683E, 0x0102_1994] {
            assert_eq!(network_name(local), None);
        }
        assert_eq!(network_file_system(Path::new("/proc")), None);
    }

    #[test]
    fn network_file_systems_in_user_space_are_recognised_by_their_program() {
        let mounts = "\
            22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
            43 27 0:39 / /mnt/a\\040b rw,nosuid,nodev,relatime - fuse.sshfs host:/srv rw,user_id=0,group_id=0\n\
            44 27 0:40 / /mnt/c rw,relatime shared:3 master:1 - fuse.mergerfs a:b rw\n\
            45 27 0:41 / /mnt/d rw,relatime - fuseblk /dev/sda1 rw\n";
        let name = |minor| fuse_network_name(mounts, rustix::fs::makedev(0, minor));
        assert_eq!(name(39), Some("SSHFS"));
        for local in [40, 41, 42] {
            assert_eq!(name(local), None);
        }
    }
}
