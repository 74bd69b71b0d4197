//! Findings of `sccfg doctor`.
//!
//! ```text
//! warning[S020]: the server has size 10GiB, not 24GiB (/home/me/.config/sccache/config:3)
//!   where: process 4711, the server at port 4226
//!   why:   a server keeps the settings it was started with until it exits, whatever the file says
//!   fix:   sccfg server ensure --wait 600
//! ```

use super::{ERROR, HINT, PLACE, Report, WARNING};
use crate::doctor::{Diagnosis, Remedy, Severity};
use sccfg_util::secret;

impl Report {
    /// Prints a finding, also with `--quiet`.
    pub(crate) fn finding(self, diagnosis: &Diagnosis) {
        let (check, finding) = (diagnosis.check, &diagnosis.finding);
        let (style, severity) = match finding.severity {
            Severity::Error => (ERROR, "error"),
            Severity::Warning => (WARNING, "warning"),
        };
        let code = check.code;
        let mut text = format!("{style}{severity}[{code}]:{style:#} {}\n", finding.what);
        if let Some(place) = &finding.place {
            text.push_str(&format!("  {PLACE}where:{PLACE:#} {place}\n"));
        }
        text.push_str(&format!("  {PLACE}why:{PLACE:#}   {}\n", check.why));
        let (Remedy::Command(remedy) | Remedy::Words(remedy)) = &finding.remedy;
        text.push_str(&format!("  {HINT}fix:{HINT:#}   {remedy}\n\n"));
        self.text(&secret::redact_message(&text));
    }
}
