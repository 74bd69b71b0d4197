//! The text of `sccfg audit`.
//!
//! ```text
//! repository  policy                  worktrees  frees  sccfg would
//! app         off, portable, 24GiB    3
//! lib         none; sccache, 5GiB     1                 edit flake.nix, create sccfg.toml
//!
//! warning[S053]: hook that stops the server
//!   lib/flake.nix:12:5: `sccache --stop-server` runs whenever a shell starts
//!   why: each new shell interrupts the builds of all others, which then compile without the cache
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};

use super::{ERROR, PLACE, Report, WARNING};
use crate::audit::{Audit, Audited, Setup, Unmanaged, steps};
use crate::doctor::{Check, Diagnosis, Remedy, Severity, Where};
use sccfg_util::secret;
use sccfg_util::size::ByteSize;

/// The values that are printed for an audit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AuditText<'a> {
    pub(crate) audit: &'a Audit,
    /// Paths below it are shown relative to it.
    pub(crate) start: &'a Path,
    /// Whether to list repositories without a policy and without settings.
    pub(crate) all: bool,
    /// Whether target directories were measured.
    pub(crate) sizes: bool,
}

impl Report {
    /// Prints an audit, also with `--quiet`.
    pub(crate) fn audit(self, text: &AuditText<'_>) {
        let printed = text.table() + &text.problems() + &text.summary();
        self.text(&secret::redact_message(&printed));
    }
}

impl AuditText<'_> {
    fn table(&self) -> String {
        let listed: Vec<&Audited> = self
            .audit
            .repositories
            .iter()
            .filter(|audited| self.all || self.is_listed(audited))
            .collect();
        if listed.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let mut header = vec!["repository", "policy", "worktrees", "sccfg would"];
        if self.sizes {
            header.insert(3, "frees");
        }
        table.set_header(header);
        for audited in listed {
            let mut row = vec![
                self.shown(audited.root()),
                asked_for(audited),
                worktrees(audited),
                would(&audited.setup),
            ];
            if self.sizes {
                row.insert(3, freed(audited));
            }
            table.add_row(row);
        }
        let numbers = 1 + usize::from(self.sizes);
        for column in table.column_iter_mut().skip(2).take(numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        let lines = table.lines();
        lines
            .map(|line| line.trim().to_owned() + "\n")
            .collect::<String>()
            + "\n"
    }

    fn is_listed(&self, audited: &Audited) -> bool {
        let has_target = audited.worktrees.iter().any(|one| one.target.is_some());
        !matches!(
            audited.setup,
            Setup::Edits(_) | Setup::Generates | Setup::Refused(_)
        ) || !audited.own.is_empty()
            || !audited.found.is_empty()
            || self.sizes && has_target
    }

    /// The problems, those of one check together.
    fn problems(&self) -> String {
        let of_repositories = self.audit.repositories.iter().flat_map(|audited| {
            let found = audited.found.iter();
            found.map(move |diagnosis| (Some(audited.root()), diagnosis))
        });
        let of_machine = self.audit.machine.iter().map(|diagnosis| (None, diagnosis));
        let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
        for (root, diagnosis) in of_repositories.chain(of_machine) {
            let group = groups.entry(diagnosis.check.code).or_insert_with(|| Group {
                check: diagnosis.check,
                found: Vec::new(),
            });
            group.found.push((root, diagnosis));
        }
        groups.values().map(|group| self.group(group)).collect()
    }

    fn group(&self, group: &Group<'_>) -> String {
        let is_error = |(_, one): &(_, &Diagnosis)| one.finding.severity == Severity::Error;
        let (style, severity) = if group.found.iter().any(is_error) {
            (ERROR, "error")
        } else {
            (WARNING, "warning")
        };
        let Check {
            code, name, why, ..
        } = group.check;
        let mut text = format!("{style}{severity}[{code}]:{style:#} {name}\n");
        for (root, diagnosis) in &group.found {
            let finding = &diagnosis.finding;
            let place = self.place(*root, finding.place.as_ref());
            text.push_str(&format!("  {PLACE}{place}{PLACE:#}: {}\n", finding.what));
        }
        text.push_str(&format!("  {PLACE}why:{PLACE:#} {why}\n"));
        let remedies: Vec<&str> = group.found.iter().map(|(_, one)| remedy(one)).collect();
        if let Some(first) = remedies.first()
            && remedies.iter().all(|other| other == first)
        {
            text.push_str(&format!("  {PLACE}fix:{PLACE:#} {first}\n"));
        }
        text.push('\n');
        text
    }

    fn place(&self, root: Option<&Path>, place: Option<&Where>) -> String {
        let Some(root) = root else {
            return place.map_or_else(|| "this machine".to_owned(), ToString::to_string);
        };
        match place {
            Some(Where::File(place)) => {
                let path = self.shown(&root.join(&place.path));
                format!("{path}:{}:{}", place.line, place.column)
            }
            Some(Where::Path(path)) => self.shown(&root.join(path)),
            Some(other) => format!("{}, {other}", self.shown(root)),
            None => self.shown(root),
        }
    }

    fn summary(&self) -> String {
        let all = &self.audit.repositories;
        if all.is_empty() {
            return "no repositories found\n".to_owned();
        }
        let number = |is: &dyn Fn(&Audited) -> bool| all.iter().filter(|one| is(one)).count();
        let managed = number(&|one| matches!(one.setup, Setup::Managed { .. } | Setup::Faulty));
        let with_flake = number(&|one| matches!(one.setup, Setup::Edits(_) | Setup::Refused(_)));
        let mut parts = vec![format!(
            "{}: {managed} with a policy, {} without ({with_flake} of these with a flake or devenv.nix)",
            counted(all.len(), "repository", "repositories"),
            all.len() - managed
        )];
        let wrappers = wrappers(all);
        if !wrappers.is_empty() {
            parts.push(format!("wrappers: {}", wrappers.join(", ")));
        }
        let trees = all.iter().flat_map(|one| &one.worktrees);
        let linked = trees.clone().filter(|one| one.is_linked).count();
        if linked > 0 {
            parts.push(counted(linked, "linked worktree", "linked worktrees"));
        }
        let gone: usize = all.iter().map(|one| one.gone.len()).sum();
        if gone > 0 {
            let gone = counted(gone, "worktree is gone", "worktrees are gone");
            parts.push(format!(
                "{gone} (`git worktree prune` removes them from git's list)"
            ));
        }
        if self.sizes {
            let frees = trees.filter_map(|one| Some(one.target.as_ref()?.frees));
            let frees = ByteSize::from_bytes(frees.sum()).rounded();
            parts.push(format!("target directories: {frees}"));
        }
        let hidden = number(&|one| !self.all && !self.is_listed(one));
        if hidden > 0 {
            parts.push(format!("{hidden} not listed (--all)"));
        }
        format!("{}\n{}\n", parts.join("; "), self.verdict())
    }

    fn verdict(&self) -> String {
        let all = &self.audit.repositories;
        let with = all.iter().filter(|one| !one.found.is_empty()).count();
        let found = all.iter().map(|one| one.found.len()).sum::<usize>() + self.audit.machine.len();
        if found == 0 {
            return "no problems found".to_owned();
        }
        let fixable = steps(self.audit, Unmanaged::Leave).len();
        let fix = match fixable {
            0 => String::new(),
            all if all == found => "; fix: sccfg audit --fix".to_owned(),
            some => format!("; fix {some} of them: sccfg audit --fix"),
        };
        format!(
            "{} found in {}{fix}; explain a code: sccfg doctor --explain CODE",
            counted(found, "problem", "problems"),
            counted(with, "repository", "repositories"),
        )
    }

    /// A path below the current directory without that.
    fn shown(&self, path: &Path) -> String {
        let start = self.start.canonicalize();
        let start: &Path = start.as_deref().unwrap_or(self.start);
        let path: PathBuf = path.components().collect();
        match path.strip_prefix(start) {
            Ok(below) if below.as_os_str().is_empty() => ".".to_owned(),
            Ok(below) => below.display().to_string(),
            Err(_) => path.display().to_string(),
        }
    }
}

/// The findings of one check, with their repositories.
struct Group<'a> {
    check: &'static Check,
    found: Vec<(Option<&'a Path>, &'a Diagnosis)>,
}

fn remedy(diagnosis: &Diagnosis) -> &str {
    let (Remedy::Command(remedy) | Remedy::Words(remedy)) = &diagnosis.finding.remedy;
    remedy
}

/// `off, portable, 24GiB`; without a policy what the shells set themselves.
fn asked_for(audited: &Audited) -> String {
    if let Setup::Faulty = audited.setup {
        return "faulty".to_owned();
    }
    if let Some(policy) = audited.policy() {
        let size = policy.cache.size.map(|size| format!(", {size}"));
        return format!(
            "{}, {}{}",
            policy.cargo.incremental.name(),
            policy.cargo.wrapper.name(),
            size.unwrap_or_default()
        );
    }
    let own: Vec<String> = audited.own.iter().map(own_setting).collect();
    match own.as_slice() {
        [] => "none".to_owned(),
        own => format!("none; {}", own.join(", ")),
    }
}

/// A setting in at most some forty characters.
fn own_setting(setting: &nix_shell_edit::OwnSetting) -> String {
    const LONGEST: usize = 32;
    let value = setting
        .value
        .trim_matches('"')
        .replace(char::is_control, " ");
    let mut shown: String = value.chars().take(LONGEST).collect();
    if shown.len() < value.len() {
        shown.push('…');
    }
    format!("{}={shown}", setting.name)
}

/// The number of worktrees, and of those without the policy that the first one has.
fn worktrees(audited: &Audited) -> String {
    let number = audited.worktrees.len();
    let without = audited.worktrees.iter().filter(|one| !one.has_policy);
    match without.count() {
        without if without > 0 && audited.policy().is_some() => {
            format!("{number} ({without} without sccfg.toml)")
        }
        _ => number.to_string(),
    }
}

fn freed(audited: &Audited) -> String {
    let measured = audited
        .worktrees
        .iter()
        .filter_map(|one| one.target.as_ref());
    let frees: Vec<u64> = measured.map(|target| target.frees).collect();
    match frees.as_slice() {
        [] => String::new(),
        frees => ByteSize::from_bytes(frees.iter().sum()).rounded(),
    }
}

fn would(setup: &Setup) -> String {
    match setup {
        Setup::Managed { outdated } if outdated.is_empty() => String::new(),
        Setup::Managed { outdated } => format!("apply: {}", outdated.join(", ")),
        Setup::Faulty => String::new(),
        Setup::Edits(files) => format!("init: {}", files.join(", ")),
        Setup::Generates => "init: generate flake.nix, sccfg.toml".to_owned(),
        Setup::Refused(problem) => format!("refuse: {problem}"),
    }
}

/// The number of repositories with each wrapper: `sccache 12`.
fn wrappers(all: &[Audited]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for audited in all {
        if let Some(wrapper) = audited.wrapper() {
            *counts.entry(wrapper).or_default() += 1;
        }
    }
    let counts = counts.into_iter();
    counts
        .map(|(name, count)| format!("{name} {count}"))
        .collect()
}

fn counted(number: usize, one: &str, more: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        number => format!("{number} {more}"),
    }
}
