//! The size of a store and what was counted in it: a small file, changed under its own lock.

use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use sccfg_util::fsio;
use sccfg_util::fsio::share;
use serde::Serialize;

/// Events since the store was made or cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
    /// Entries that were stored.
    pub stored: u64,
    /// Entries that were evicted.
    pub evicted: u64,
}

/// What the file holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// In bytes. Never less than what is there: what is left by a killed process counts until the
    /// next eviction.
    pub(crate) size: u64,
    pub(crate) counters: Counters,
    /// Whether the size is unknown, because the file was damaged.
    pub(crate) is_unknown: bool,
}

/// The file of a store's accounts.
pub(crate) struct Accounts(PathBuf);

/// In front of the numbers; its last digit is the version of the format.
const MAGIC: u64 = 0x7363_6366_6761_6301;
const FIELDS: usize = 7;

impl Accounts {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads the file, `None` where there is none.
    pub(crate) fn read(&self) -> Option<Account> {
        Some(Account::from_bytes(&fsio::read_bytes(&self.0)?))
    }

    /// Changes the file, while no other process does.
    pub(crate) fn update<T>(&self, change: impl FnOnce(&mut Account) -> T) -> io::Result<T> {
        let mut file = share::open_or_create(&self.0)?;
        file.lock()?;
        let mut bytes = Vec::with_capacity(FIELDS * 8);
        file.read_to_end(&mut bytes)?;
        let mut account = if bytes.is_empty() {
            Account::default()
        } else {
            Account::from_bytes(&bytes)
        };
        let result = change(&mut account);
        file.rewind()?;
        file.write_all(&account.to_bytes())?;
        Ok(result)
    }
}

impl Account {
    fn from_bytes(bytes: &[u8]) -> Self {
        let mut numbers = [0; FIELDS];
        let words = bytes.chunks_exact(8);
        for (number, word) in numbers.iter_mut().zip(words) {
            *number = u64::from_le_bytes(word.try_into().unwrap_or_default());
        }
        let [magic, size, hits, misses, stored, evicted, check] = numbers;
        let is_damaged =
            bytes.len() != FIELDS * 8 || magic != MAGIC || check != checksum(&numbers[..6]);
        if is_damaged {
            return Self {
                is_unknown: true,
                ..Self::default()
            };
        }
        Self {
            // Set by [`Self::to_bytes`].
            is_unknown: size == u64::MAX,
            size,
            counters: Counters {
                hits,
                misses,
                stored,
                evicted,
            },
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let Counters {
            hits,
            misses,
            stored,
            evicted,
        } = self.counters;
        let size = if self.is_unknown { u64::MAX } else { self.size };
        let numbers = [MAGIC, size, hits, misses, stored, evicted];
        let mut bytes: Vec<u8> = numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect();
        bytes.extend(checksum(&numbers).to_le_bytes());
        bytes
    }
}

/// Tells a file that was written in part; it is no protection against intent.
fn checksum(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0xcbf2_9ce4_8422_2325, |sum, number| {
        (sum ^ number)
            .wrapping_mul(0x0100_0000_01b3)
            .rotate_left(17)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = Accounts::at(directory.path().join("accounts"));
        assert_eq!(accounts.read(), None);
        accounts.update(|account| account.size = 7).unwrap();
        accounts
            .update(|account| account.counters.hits += 2)
            .unwrap();
        let account = accounts.read().unwrap();
        assert_eq!((account.size, account.counters.hits), (7, 2));
    }

    #[test]
    fn a_damaged_file_makes_the_size_unknown_until_it_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts");
        let accounts = Accounts::at(path.clone());
        accounts.update(|account| account.size = 7).unwrap();
        let mut bytes = fsio::read_bytes(&path).unwrap();
        bytes[9] ^= 1;
        fsio::replace(&path, &bytes).unwrap();
        assert!(accounts.read().unwrap().is_unknown);
        accounts
            .update(|account| account.counters.hits = 1)
            .unwrap();
        assert!(accounts.read().unwrap().is_unknown);
        fsio::replace(&path, b"short").unwrap();
        assert!(accounts.read().unwrap().is_unknown);
    }
}
