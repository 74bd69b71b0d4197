//! Compiles a hit as well, compares the results, and delivers the compiled files.

use std::process::ExitCode;

use super::KeyedUnit;
use super::delivery::Delivery;
use crate::builds::{Details, Outcome};
use crate::differential::{self, Compiled, Hit, Verified};
use crate::lookup::pass_on;
use crate::path_leak::PathLeak;
use crate::sccache::print_to_cargo;
use crate::storage::{Compiling, Storage};

impl KeyedUnit<'_> {
    /// Compiles a hit as well, compares, and delivers the compiled files. If the compile proves nothing about the hit, the
    /// entry is kept.
    pub(super) fn verify(
        &self,
        found: Delivery<'_>,
        leak: Option<PathLeak>,
        storage: &Storage,
        compiling: &Compiling<'_>,
    ) -> ExitCode {
        let request = self.request().that_found(found.entry, leak);
        let hit = Hit {
            entry: found.entry,
            origin: found.origin,
            work: found.work,
        };
        let compared = Compiled::make(&request).and_then(|compiled| {
            if compiled.is_no_evidence() {
                return Ok(None);
            }
            let differences = hit.differences(&compiled, &self.unit.name)?;
            Ok(Some((compiled, differences)))
        });
        let Ok(Some((compiled, differences))) = compared else {
            return self.deliver(found, storage);
        };
        let verdict = differential::verdict(&differences);
        let line = differential::report(
            &self.unit.name,
            &found.entry.key,
            found.origin,
            &differences,
            &self.state,
        );
        if let Some(line) = line {
            print_to_cargo(&line);
        }
        let is_moved = found.entry.is_moved(&self.key.path_map);
        if is_moved && verdict == Verified::Same {
            // The compiled files have other digests of paths, so dependents would miss, or another hash of the crate.
            let verified = Some((found.origin, verdict));
            return self.deliver(Delivery { verified, ..found }, storage);
        }
        hit.remove(&request);
        let Some(entry) = &compiled.entry else {
            storage.forget(&found.entry.key);
            self.record(Outcome::Failed, Details::default());
            return pass_on(&compiled.result, &self.key.path_map);
        };
        if verdict == Verified::Differs {
            storage.forget(&found.entry.key);
            storage.replace(&compiled.request, entry, compiling);
        }
        let delivery = Delivery {
            entry,
            origin: compiled.origin(),
            work: &compiled.work,
            verified: Some((found.origin, verdict)),
            ..found
        };
        self.deliver(delivery, storage)
    }
}
