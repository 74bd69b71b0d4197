//! Tokens of cargo's jobserver, which limits the number of parallel jobs. A process that cargo starts may run one job. For each
//! additional job it takes a token, and puts it back.
//! <https://www.gnu.org/software/make/manual/html_node/POSIX-Jobserver.html> has the protocol. The crate `jobserver`
//! can read it from the environment in unsafe code only.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::{env, fsio};

/// The variable with which cargo names its jobserver to compilers.
const FLAGS: &str = "CARGO_MAKEFLAGS";

/// The permission to run an additional job. It is returned on drop.
#[derive(Debug)]
pub struct JobToken {
    token: [u8; 1],
    write: File,
}

impl JobToken {
    /// Takes a token if one is free. `None` as well if there is no jobserver, or it cannot be used without waiting:
    /// pipes can be opened again on Linux only.
    #[must_use]
    pub fn take() -> Option<Self> {
        Self::take_from(&env::var(FLAGS)?)
    }

    fn take_from(flags: &str) -> Option<Self> {
        let (read, write) = jobserver(flags)?;
        let mut read = fsio::open_fifo_to_read(&read)?;
        let write = fsio::open_fifo_to_write(&write)?;
        let mut token = [0];
        read.read_exact(&mut token).ok()?;
        Some(Self { token, write })
    }
}

impl Drop for JobToken {
    fn drop(&mut self) {
        let _ = self.write.write_all(&self.token);
    }
}

/// The pipe to read from and the one to write to.
fn jobserver(flags: &str) -> Option<(PathBuf, PathBuf)> {
    let mut words = flags.split_ascii_whitespace().rev();
    let place = words.find_map(|word| word.strip_prefix("--jobserver-auth="))?;
    if let Some(path) = place.strip_prefix("fifo:") {
        return Some((path.into(), path.into()));
    }
    let (read, write) = place.split_once(',')?;
    let descriptor = |number: &str| {
        let number: u32 = number.parse().ok()?;
        Some(Path::new("/proc/self/fd").join(number.to_string()))
    };
    Some((descriptor(read)?, descriptor(write)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_jobserver_counts() {
        let flags = "-j --jobserver-fds=8,9 --jobserver-auth=8,9";
        let pipes = ("/proc/self/fd/8".into(), "/proc/self/fd/9".into());
        assert_eq!(jobserver(flags), Some(pipes));
        let fifo = || PathBuf::from("/tmp/GMfifo1");
        let flags = " -j4 --jobserver-auth=3,4 --jobserver-auth=fifo:/tmp/GMfifo1";
        assert_eq!(jobserver(flags), Some((fifo(), fifo())));
        // make closed the file descriptors for this process.
        assert_eq!(jobserver("-j --jobserver-auth=-2,-2"), None);
        assert_eq!(jobserver("k"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_token_is_returned() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jobs");
        mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
        // The FIFO must be open for reading.
        let mut read = fsio::open_fifo_to_read(&path).unwrap();
        let mut write = fsio::open_fifo_to_write(&path).unwrap();
        let flags = format!("-j --jobserver-auth=fifo:{}", path.display());
        let jobs = || JobToken::take_from(&flags);
        assert!(jobs().is_none());
        write.write_all(b"+").unwrap();
        let token = jobs().unwrap();
        assert!(jobs().is_none());
        drop(token);
        let mut left = [0; 2];
        assert_eq!(read.read(&mut left).unwrap(), 1);
        assert_eq!(&left[..1], b"+");
    }

    #[test]
    fn only_a_pipe_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fsio::replace(&path, b"text").unwrap();
        let flags = format!("--jobserver-auth=fifo:{}", path.display());
        assert!(JobToken::take_from(&flags).is_none());
    }
}
