//! Anonymous files in memory (memfd).

#![allow(
    clippy::disallowed_methods,
    reason = "part of the one module with this access"
)]

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// A memfd (`memfd_create(2)`): an anonymous file in memory, freed when nothing refers to it.
#[derive(Debug)]
pub struct MemoryFile {
    file: File,
    path: PathBuf,
}

impl MemoryFile {
    /// Creates a file of `size` zero bytes. Memory is used only for pages that are written.
    ///
    /// # Errors
    /// If the system has no memfds, other processes cannot open it, or `size` exceeds the limit of this process for files.
    pub fn create(size: u64) -> io::Result<Self> {
        if limit().is_some_and(|limit| size > limit) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        let file = create()?;
        file.set_len(size)?;
        // The process ID in the PID namespace of `/proc`, which may differ from that of this process.
        let process = Path::new("/proc").join(fs::read_link("/proc/self")?);
        let path = process.join("fd").join(file.as_raw_fd().to_string());
        fs::metadata(&path)?;
        Ok(Self { file, path })
    }

    /// Opens the file with this [path](Self::path), which another process created.
    ///
    /// # Errors
    /// If that process has ended.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let path = path.to_owned();
        Ok(Self { file, path })
    }

    /// The path by which processes of the same user can open it, while this process has it open.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes from `offset`.
    ///
    /// # Errors
    /// If the file is too short.
    pub fn read_at(&self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// The number of 64 bits at `offset`, in the machine's byte order.
    ///
    /// # Errors
    /// If the file is too short.
    pub fn number_at(&self, offset: u64) -> io::Result<u64> {
        let mut bytes = [0; size_of::<u64>()];
        self.file.read_exact_at(&mut bytes, offset)?;
        Ok(u64::from_ne_bytes(bytes))
    }

    /// Writes a number of 64 bits at `offset`, in the machine's byte order.
    ///
    /// # Errors
    /// If there is no memory.
    pub fn write_number_at(&self, offset: u64, number: u64) -> io::Result<()> {
        self.file.write_all_at(&number.to_ne_bytes(), offset)
    }
}

/// The maximum size of a file that this process may create, in bytes. A larger one ends the process by SIGXFSZ.
fn limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Fsize).current
}

#[cfg(target_os = "linux")]
fn create() -> io::Result<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    use rustix::io::Errno;
    let create = |flags| memfd_create("sccfg", flags | MemfdFlags::CLOEXEC);
    // Without the flag, `vm.memfd_noexec` may forbid the file. Linux before 6.3 does not know the flag.
    let file = match create(MemfdFlags::NOEXEC_SEAL) {
        Err(Errno::INVAL) => create(MemfdFlags::empty()),
        created => created,
    };
    Ok(file?.into())
}

#[cfg(not(target_os = "linux"))]
fn create() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_write_it_by_its_path() {
        let memory = MemoryFile::create(1 << 20).unwrap();
        let shell = format!("printf 12345678 >{}", memory.path().display());
        let status = std::process::Command::new("sh")
            .args(["-c", &shell])
            .status();
        assert!(status.unwrap().success());
        assert_eq!(memory.read_at(0, 8).unwrap(), b"12345678");
        memory.write_number_at(8, 7).unwrap();
        assert_eq!(memory.number_at(8).unwrap(), 7);
    }
}
