//! Directories of the system, by what their files depend on.

/// Directories of the system. Their files belong to the compiler, the linker and packages of the system, which are in keys as a
/// whole, or do not differ between builds.
pub(super) const SYSTEM_DIRECTORIES: [&str; 10] = [
    "/bin",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/proc",
    "/sys",
    "/usr",
];
/// Directories of the system whose files may differ each time that they are read.
pub(super) const VOLATILE_DIRECTORIES: [&str; 4] = ["/dev", "/proc", "/run", "/sys"];
/// Directories of devices and of files that the kernel generates.
pub(super) const KERNEL_DIRECTORIES: [&str; 3] = ["/dev", "/proc", "/sys"];
/// A directory below one of them that contains ordinary files.
pub(super) const SHARED_MEMORY: &str = "/dev/shm";
/// Directories below one of them for sources: projects are there in many images of containers.
pub(super) const SOURCES: [&str; 2] = ["/usr/local/src", "/usr/src"];
