//! The accounts of a store: its size and counters, in a small file with its own lock.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use sccfg_util::fsio::{self, Locking, share};
use serde::Serialize;

use super::Patience;

/// The number of groups of lookups that are counted separately. The caller defines them.
pub const GROUPS: usize = 4;

/// Lookups of one group.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Lookups {
    /// Lookups that found an entry.
    pub hits: u64,
    /// Lookups that found none.
    pub misses: u64,
    /// The misses among these for which another cache was used, which counts them as well.
    pub passed_on: u64,
}

/// How a lookup ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// An entry was found.
    Hit,
    /// None was found.
    Miss,
    /// None was found, and another cache is used, which counts this lookup as well.
    PassedOn,
}

/// Events since the store was created, cleared, or its counters were reset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// The lookups of each group.
    pub lookups: [Lookups; GROUPS],
    /// Entries that were stored.
    pub stored: u64,
    /// Entries that were evicted.
    pub evicted: u64,
}

impl Lookups {
    pub(crate) fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Hit => self.hits += 1,
            Outcome::Miss => self.misses += 1,
            Outcome::PassedOn => {
                self.misses += 1;
                self.passed_on += 1;
            }
        }
    }
}

impl Counters {
    /// The sum over all groups.
    pub fn all(&self) -> Lookups {
        let mut all = Lookups::default();
        for lookups in &self.lookups {
            all.hits += lookups.hits;
            all.misses += lookups.misses;
            all.passed_on += lookups.passed_on;
        }
        all
    }
}

/// The content of the file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// The size of the store in bytes. Never less than the real size: files of a killed process count until the next eviction.
    pub(crate) size: u64,
    pub(crate) counters: Counters,
    /// Whether the size is unknown, because the file was damaged.
    pub(crate) is_unknown: bool,
}

/// The file of a store's accounts.
pub(crate) struct Accounts(PathBuf);

/// The first number. Its last digit is the version of the format.
const MAGIC: u64 = 0x7363_6366_6761_6302;
/// The number of fields before the lookups: [`MAGIC`], the size, and the numbers of entries that were stored and evicted.
const OTHERS: usize = 4;
/// The number of all fields. The last one is the checksum of the others.
const FIELDS: usize = OTHERS + 3 * GROUPS + 1;

impl Accounts {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Reads the file; `None` if it does not exist.
    pub(crate) fn read(&self) -> Option<Account> {
        Some(Account::from_bytes(&fsio::read_bytes(&self.0)?))
    }

    /// Changes the file under its lock.
    pub(crate) fn update<T>(
        &self,
        patience: Patience<'_>,
        change: impl FnOnce(&mut Account) -> T,
    ) -> io::Result<T> {
        let file = share::open_or_create(&self.0)?;
        patience.lock(&file, Locking::Alone)?;
        // One more byte, to detect a file that is too long.
        let mut bytes = [0; FIELDS * 8 + 1];
        let length = file.read_at(&mut bytes, 0)?;
        let mut account = if length == 0 {
            Account::default()
        } else {
            Account::from_bytes(&bytes[..length])
        };
        let result = change(&mut account);
        file.write_all_at(&account.to_bytes(), 0)?;
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
        let [magic, size, stored, evicted, rest @ ..] = numbers;
        let is_damaged = bytes.len() != FIELDS * 8
            || magic != MAGIC
            || numbers.last() != Some(&checksum(&numbers[..FIELDS - 1]));
        if is_damaged {
            return Self {
                is_unknown: true,
                ..Self::default()
            };
        }
        let mut lookups = [Lookups::default(); GROUPS];
        for (group, [hits, misses, passed_on]) in lookups.iter_mut().zip(rest.as_chunks().0) {
            *group = Lookups {
                hits: *hits,
                misses: *misses,
                passed_on: *passed_on,
            };
        }
        Self {
            // Set by [`Self::to_bytes`].
            is_unknown: size == u64::MAX,
            size,
            counters: Counters {
                lookups,
                stored,
                evicted,
            },
        }
    }

    fn to_bytes(self) -> Vec<u8> {
        let Counters {
            lookups,
            stored,
            evicted,
        } = self.counters;
        let size = if self.is_unknown { u64::MAX } else { self.size };
        let groups = lookups.map(|group| [group.hits, group.misses, group.passed_on]);
        let mut numbers = vec![MAGIC, size, stored, evicted];
        numbers.extend(groups.as_flattened());
        numbers.push(checksum(&numbers));
        numbers
            .iter()
            .flat_map(|number| number.to_le_bytes())
            .collect()
    }
}

/// Detects a file that was written only in part. It does not protect against deliberate changes.
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

    fn update(accounts: &Accounts, change: impl FnOnce(&mut Account)) {
        accounts.update(Patience::of_build(), change).unwrap();
    }

    #[test]
    fn written_accounts_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let accounts = Accounts::at(directory.path().join("accounts"));
        assert_eq!(accounts.read(), None);
        update(&accounts, |account| account.size = 7);
        update(&accounts, |account| account.counters.lookups[1].hits += 2);
        let account = accounts.read().unwrap();
        assert_eq!((account.size, account.counters.lookups[1].hits), (7, 2));
    }

    #[test]
    fn a_damaged_file_makes_the_size_unknown_until_it_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("accounts");
        let accounts = Accounts::at(path.clone());
        update(&accounts, |account| account.size = 7);
        let mut bytes = fsio::read_bytes(&path).unwrap();
        bytes[9] ^= 1;
        fsio::replace(&path, &bytes).unwrap();
        assert!(accounts.read().unwrap().is_unknown);
        update(&accounts, |account| account.counters.lookups[0].hits = 1);
        assert!(accounts.read().unwrap().is_unknown);
        fsio::replace(&path, b"short").unwrap();
        assert!(accounts.read().unwrap().is_unknown);
    }
}
