//! Changes that people, formatters and merges make next to a region and in it, and the properties of
//! `apply` and `remove` after them: either they refuse, with the place and a hint, or everything
//! that sccfg did not write is still there. Checked with the tokens of rnix, without the editor's
//! own code.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use nix_shell_edit::home::{self, Module, import};
use nix_shell_edit::{edit, remove_regions};
use rnix::Root;
use rnix::SyntaxKind::{self, TOKEN_COMMENT, TOKEN_STRING_CONTENT, TOKEN_WHITESPACE};
use sccfg::hook_text::{HookText, Settings};
use sccfg::sccfg_toml::Incremental;
use sccfg_util::problem::Problem;

use super::duplicates::duplicates;
use super::flakes::{Flake, modules};
use super::judge::{Violation, Wish};
use super::mutate::Random;

/// The module that `sccfg home` imports.
const MADE: &str = "./sccache.nix";

/// What every added text contains.
const MINE: &str = "mine_7";

/// The command that wrote the regions.
#[derive(Debug, Clone)]
pub(crate) enum By {
    /// `sccfg init`.
    Init(Wish),
    /// `sccfg home`, into the module that `flake.nix` is here.
    Home,
}

impl By {
    fn begin(&self) -> &'static str {
        match self {
            Self::Init(_) => "# >>> sccfg >>> rendered from sccfg.toml by `sccfg apply`",
            Self::Home => "# >>> sccfg home >>> put here by `sccfg home`",
        }
    }

    fn end(&self) -> &'static str {
        match self {
            Self::Init(_) => "# <<< sccfg <<<",
            Self::Home => "# <<< sccfg home <<<",
        }
    }

    /// The files that change.
    fn apply(&self, flake: &Flake) -> Result<BTreeMap<PathBuf, String>, Problem> {
        let files = match self {
            Self::Init(wish) => {
                let hook = HookText {
                    size: Some("24GiB".parse().unwrap_or_else(|_| unreachable!("a size"))),
                    incremental: wish.incremental,
                    settings: Settings::InPolicy,
                };
                let hook = hook.render();
                let mut request = wish.request();
                request.hook = &hook;
                edit(flake, &request)?.files
            }
            Self::Home => import(flake, &Module::file("flake.nix"), MADE)?
                .into_iter()
                .collect(),
        };
        Ok(files
            .into_iter()
            .map(|file| (file.path, file.after))
            .collect())
    }

    /// A file without regions.
    fn remove(&self, path: &Path, text: &str) -> Result<String, Problem> {
        let without = match self {
            Self::Init(_) => remove_regions(path, text)?,
            Self::Home => home::remove_regions(path, text)?,
        };
        Ok(without.unwrap_or_else(|| text.to_owned()))
    }

    /// The regions as whole lines, by their markers alone.
    fn regions(&self, text: &str) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut begin = None;
        for line in lines(text) {
            let content = text[line.clone()].trim_start_matches([' ', '\t']);
            if content.starts_with(self.begin()) {
                begin.get_or_insert(line.start);
            } else if content.starts_with(self.end())
                && let Some(begin) = begin.take()
            {
                found.push(begin..line.end);
            }
        }
        found
    }
}

/// A repository with regions, and how it was before.
#[derive(Debug, Clone)]
pub(crate) struct Managed {
    by: By,
    before: Flake,
    after: Flake,
    /// The files that have regions.
    edited: Vec<PathBuf>,
}

impl Managed {
    /// `None` where sccfg refuses, or has nothing to do.
    pub(crate) fn new(by: By, before: &Flake) -> Option<Self> {
        let files = by.apply(before).ok()?;
        let edited: Vec<PathBuf> = files
            .iter()
            .filter(|(_, text)| !by.regions(text).is_empty())
            .map(|(path, _)| path.clone())
            .collect();
        let fits = |path: &PathBuf| {
            let was = &before.files[path];
            by.regions(was).is_empty() && !was.contains("<<< sccfg")
        };
        (!edited.is_empty() && edited.iter().all(fits)).then(|| Self {
            before: before.clone(),
            after: before.with(files),
            by,
            edited,
        })
    }
}

/// All that sccfg manages in `flakes`, and in the modules of `tests/home_cases`.
pub(crate) fn managed(flakes: Vec<Flake>) -> Vec<Managed> {
    let wishes = [
        Wish::plain(Incremental::Off),
        Wish::plain(Incremental::Auto).with_input(),
    ];
    let mut all = Vec::new();
    for flake in flakes {
        for wish in &wishes {
            all.extend(Managed::new(By::Init(wish.clone()), &flake));
        }
    }
    let modules = modules().into_iter();
    all.extend(modules.filter_map(|module| Managed::new(By::Home, &module)));
    all
}

/// The outcomes of many edits.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By the kind of edit: how often `apply` kept and refused, and how often `remove` did.
    pub(crate) rows: BTreeMap<&'static str, [u32; 4]>,
    pub(crate) wrong: Vec<String>,
}

impl Tally {
    pub(crate) fn judge(&mut self, managed: &Managed, step: Step) {
        let row = self.rows.entry(step.name()).or_default();
        match judge_manual_edit(managed, step) {
            Ok(outcomes) => {
                for (index, outcome) in outcomes.into_iter().enumerate() {
                    row[2 * index] += u32::from(outcome == Outcome::Kept);
                    row[2 * index + 1] += u32::from(outcome == Outcome::Refused);
                }
            }
            Err(violation) => self
                .wrong
                .push(format!("{step:?} {}: {violation}", step.name())),
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  kept refused (apply)  kept refused (remove)")?;
        let mut sum = [0; 4];
        for (name, row) in &self.rows {
            let [kept, refused, removed, not_removed] = row;
            writeln!(
                f,
                "{kept:>6} {refused:>7} {removed:>14} {not_removed:>7}  {name}"
            )?;
            for (sum, count) in sum.iter_mut().zip(row) {
                *sum += count;
            }
        }
        let [kept, refused, removed, not_removed] = sum;
        writeln!(
            f,
            "{kept:>6} {refused:>7} {removed:>14} {not_removed:>7}  in all"
        )?;
        write!(f, "{} wrong", self.wrong.len())
    }
}

/// One edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// Which of [`EDITS`].
    pub(crate) edit: usize,
    /// At which region, and where there.
    pub(crate) seed: u64,
}

impl Step {
    pub(crate) fn name(self) -> &'static str {
        EDITS[self.edit % EDITS.len()].0
    }
}

/// The outcome of an edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// There is nothing to change in this way.
    Idle,
    Refused,
    Kept,
}

/// A changed file.
pub(crate) struct Edited {
    text: String,
    /// What stands there now that did not, if all else stands there as before.
    added: Option<&'static str>,
    /// The line on which sccfg has to refuse.
    refused_at: Option<usize>,
}

impl Edited {
    /// All that stood there stands there, and nothing else but white space.
    fn same(text: String) -> Self {
        Self {
            text,
            added: Some(""),
            refused_at: None,
        }
    }

    fn with(text: String, added: &'static str) -> Self {
        Self {
            text,
            added: Some(added),
            refused_at: None,
        }
    }

    /// Something is missing now, or stands there twice.
    fn other(text: String) -> Self {
        Self {
            text,
            added: None,
            refused_at: None,
        }
    }
}

/// A file with its regions, to be edited by a user at one of them.
pub(crate) struct At<'t> {
    by: &'t By,
    text: &'t str,
    region: Range<usize>,
    random: Random,
}

impl At<'_> {
    fn put(&self, offset: usize, what: &str) -> String {
        format!("{}{what}{}", &self.text[..offset], &self.text[offset..])
    }

    fn instead(&self, range: Range<usize>, what: &str) -> String {
        format!(
            "{}{what}{}",
            &self.text[..range.start],
            &self.text[range.end..]
        )
    }

    /// The lines of the region.
    fn lines(&self) -> Vec<Range<usize>> {
        let start = self.region.start;
        lines(&self.text[self.region.clone()])
            .map(|line| line.start + start..line.end + start)
            .collect()
    }

    /// The lines between the markers.
    fn body(&self) -> Vec<Range<usize>> {
        let lines = self.lines();
        lines[1..lines.len() - 1].to_vec()
    }

    fn indent(&self) -> &str {
        let line = &self.text[self.region.clone()];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    fn line_end(&self) -> &'static str {
        let line = self.lines().remove(0);
        if self.text[line].ends_with("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Where the last line with anything on it before the region ends.
    fn line_before(&self) -> usize {
        self.text[..self.region.start].trim_end().len()
    }

    fn own_line(&self, offset: usize, what: &str) -> String {
        let line = format!("{}{what}{}", self.indent(), self.line_end());
        self.put(offset, &line)
    }
}

type Change = fn(&mut At<'_>) -> Option<Edited>;

/// The kinds of edits.
pub(crate) const EDITS: &[(&str, Change)] = &[
    ("a comment at the end of the line before", |at| {
        let text = at.put(at.line_before(), " # mine_7");
        Some(Edited::with(text, "# mine_7"))
    }),
    ("a block comment at the end of the line before", |at| {
        let text = at.put(at.line_before(), " /* mine_7 */");
        Some(Edited::with(text, "/* mine_7 */"))
    }),
    ("a comment line before", |at| {
        let text = at.own_line(at.region.start, "# mine_7");
        Some(Edited::with(text, "# mine_7"))
    }),
    ("a comment line after", |at| {
        let text = at.own_line(at.region.end, "# mine_7");
        Some(Edited::with(text, "# mine_7"))
    }),
    ("a comment right after", |at| {
        let indent = at.text[at.region.end..].len() - at.text[at.region.end..].trim_start().len();
        let text = at.put(at.region.end + indent, "/* mine_7 */");
        Some(Edited::with(text, "/* mine_7 */"))
    }),
    ("a block comment of several lines before", |at| {
        let text = at.own_line(at.region.start, "/* mine_7\n   # two */");
        Some(Edited::with(text, "/* mine_7 # two */"))
    }),
    ("a block comment of several lines after", |at| {
        let text = at.own_line(at.region.end, "/* mine_7\n   # two */");
        Some(Edited::with(text, "/* mine_7 # two */"))
    }),
    ("an attribute before", |at| {
        let text = at.own_line(at.region.start, "mine_7 = 1;");
        Some(Edited::with(text, "mine_7 = 1;"))
    }),
    ("an attribute after", |at| {
        let text = at.own_line(at.region.end, "mine_7 = 1; # why");
        Some(Edited::with(text, "mine_7 = 1; # why"))
    }),
    ("an attribute on the line before", |at| {
        let text = at.put(at.line_before(), " mine_7 = 1;");
        Some(Edited::with(text, "mine_7 = 1;"))
    }),
    ("an element before", |at| {
        let text = at.own_line(at.region.start, "mine_7");
        Some(Edited::with(text, "mine_7"))
    }),
    ("an argument before", |at| {
        let text = at.own_line(at.region.start, "mine_7,");
        Some(Edited::with(text, "mine_7,"))
    }),
    ("text behind the begin marker", |at| {
        let line = at.lines().remove(0);
        let text = at.put(line.start + at.text[line].trim_end().len(), " mine_7");
        Some(Edited::other(text))
    }),
    ("text behind the end marker", |at| {
        let line = at.lines().pop()?;
        let text = at.put(line.start + at.text[line].trim_end().len(), " mine_7");
        Some(Edited::other(text))
    }),
    ("text behind both markers", |at| {
        let [first, last] = [at.lines().remove(0), at.lines().pop()?]
            .map(|line| line.start + at.text[line].trim_end().len());
        let (head, tail) = at.text.split_at(last);
        let text = format!("{} mine_7{} mine_7{tail}", &head[..first], &head[first..]);
        Some(Edited::other(text))
    }),
    ("an attribute before the begin marker", |at| {
        let text = at.put(at.region.start, "mine_7 = 1;");
        Some(Edited::other(text))
    }),
    ("the region with other indentation", |at| {
        let indent = ["", "\t", "          ", " \t "][at.random.below(4)];
        let reindented: String = lines(&at.text[at.region.clone()])
            .map(|line| {
                let line = &at.text[at.region.start + line.start..at.region.start + line.end];
                format!("{indent}{}", line.trim_start_matches([' ', '\t']))
            })
            .collect();
        Some(Edited::same(at.instead(at.region.clone(), &reindented)))
    }),
    ("the file with other indentation", |at| {
        let indent = ["", "\t", "      "][at.random.below(3)];
        let reindented: String = lines(at.text)
            .map(|line| format!("{indent}{}", at.text[line].trim_start_matches([' ', '\t'])))
            .collect();
        Some(Edited::same(reindented))
    }),
    ("tabs in place of spaces", |at| {
        Some(Edited::same(at.text.replace("  ", "\t")))
    }),
    ("line breaks between all tokens of the region", |at| {
        // What a formatter may do: no comment and no string is touched.
        let mut offset = 0;
        let mut text = String::new();
        for (kind, token) in rnix::tokenize(at.text) {
            let inside = at.region.contains(&offset);
            offset += token.len();
            text.push_str(match kind {
                TOKEN_WHITESPACE if inside && !token.contains('\n') => "\n ",
                _ => token,
            });
        }
        Some(Edited::same(text))
    }),
    ("blank lines around and in it", |at| {
        let end = at.line_end();
        let mut text = String::new();
        for line in lines(at.text) {
            let is_near = at.region.contains(&line.start) || line.start == at.region.end;
            if is_near {
                text.push_str(end);
            }
            text.push_str(&at.text[line]);
        }
        Some(Edited::same(text))
    }),
    ("CRLF", |at| {
        Some(Edited::same(
            at.text.replace("\r\n", "\n").replace('\n', "\r\n"),
        ))
    }),
    ("LF", |at| Some(Edited::same(at.text.replace("\r\n", "\n")))),
    ("CRLF in the region alone", |at| {
        let converted = at.text[at.region.clone()]
            .replace("\r\n", "\n")
            .replace('\n', "\r\n");
        Some(Edited::same(at.instead(at.region.clone(), &converted)))
    }),
    ("a carriage return in the line before", |at| {
        let text = at.put(at.line_before(), " # mine_7\r# more");
        Some(Edited::with(text, "# mine_7# more"))
    }),
    ("a carriage return behind the end marker", |at| {
        let line = at.lines().pop()?;
        let text = at.put(line.start + at.text[line].trim_end().len(), "\r# mine_7");
        Some(Edited::other(text))
    }),
    ("carriage returns alone", |at| {
        Some(Edited::other(
            at.text.replace("\r\n", "\n").replace('\n', "\r"),
        ))
    }),
    ("no end of the last line", |at| {
        Some(Edited::same(at.text.trim_end().to_owned()))
    }),
    ("a byte order mark", |at| {
        let text = at.text.trim_start_matches('\u{feff}');
        Some(Edited::other(format!("\u{feff}{text}")))
    }),
    ("the region emptied", |at| {
        let body = at.body();
        let text = at.instead(body.first()?.start..body.last()?.end, "");
        Some(Edited::other(text))
    }),
    ("the region emptied but for its record", |at| {
        let mut text = at.text[..at.lines()[0].end].to_owned();
        for line in at.body() {
            let line = &at.text[line];
            if line.trim_start().starts_with("# sccfg:") {
                text.push_str(line);
            }
        }
        let end = at.lines().pop()?.start;
        Some(Edited::same(text + &at.text[end..]))
    }),
    ("a line of the region deleted", |at| {
        let body = at.body();
        let line = body.get(at.random.below(body.len()))?.clone();
        let is_record = at.text[line.clone()].trim_start().starts_with("# sccfg:");
        let text = at.instead(line, "");
        Some(if is_record {
            Edited::other(text)
        } else {
            Edited::same(text)
        })
    }),
    ("no end marker", |at| {
        let line = at.lines().pop()?;
        Some(Edited::other(at.instead(line, "")))
    }),
    ("no begin marker", |at| {
        let line = at.lines().remove(0);
        Some(Edited::other(at.instead(line, "")))
    }),
    ("no marker", |at| {
        let body = at.body();
        let inner = at.text[body.first()?.start..body.last()?.end].to_owned();
        Some(Edited::other(at.instead(at.region.clone(), &inner)))
    }),
    ("the region deleted", |at| {
        Some(Edited::other(at.instead(at.region.clone(), "")))
    }),
    ("the region twice", |at| {
        let copy = at.text[at.region.clone()].to_owned();
        Some(Edited::other(at.put(at.region.end, &copy)))
    }),
    ("the region twice, with something between", |at| {
        let copy = at.text[at.region.clone()].to_owned();
        let text = at.put(at.region.end, &format!("# mine_7\n{copy}"));
        Some(Edited::other(text))
    }),
    ("a copy of the region elsewhere", |at| {
        let copy = at.text[at.region.clone()].to_owned();
        let all: Vec<Range<usize>> = lines(at.text).collect();
        let line = &all[at.random.below(all.len())];
        Some(Edited::other(at.put(line.start, &copy)))
    }),
    ("the region moved", |at| {
        let copy = at.text[at.region.clone()].to_owned();
        let text = at.instead(at.region.clone(), "");
        let all: Vec<Range<usize>> = lines(&text).collect();
        let at = all[at.random.below(all.len())].start;
        Some(Edited::other(format!(
            "{}{copy}{}",
            &text[..at],
            &text[at..]
        )))
    }),
    ("a region in the region", |at| {
        let copy = at.text[at.region.clone()].to_owned();
        let body = at.body();
        let line = body.get(at.random.below(body.len()))?.start;
        Some(Edited::other(at.put(line, &copy)))
    }),
    ("conflict markers around it", |at| {
        let region = &at.text[at.region.clone()];
        let text = format!("<<<<<<< HEAD\n{region}=======\n{region}>>>>>>> other\n");
        Some(Edited::other(at.instead(at.region.clone(), &text)))
    }),
    ("conflict markers in it", |at| {
        let body = at.body();
        let line = body.get(at.random.below(body.len()))?.clone();
        let inner = &at.text[line.clone()];
        let text = format!("<<<<<<< HEAD\n{inner}=======\n{inner}>>>>>>> other\n");
        Some(Edited::other(at.instead(line, &text)))
    }),
    ("conflict markers half resolved", |at| {
        let text = at.own_line(at.region.start, "mine_7 = 2;\n=======");
        Some(Edited::other(text))
    }),
    ("a comment in it", |at| in_it(at, "# mine_7")),
    ("an attribute in it", |at| in_it(at, "mine_7 = 1;")),
    ("an element in it", |at| in_it(at, "pkgs.mine_7")),
    ("a command in it", |at| in_it(at, "echo mine_7")),
    ("a text in it", |at| in_it(at, "mine_7 = ''two\nlines'';")),
    ("a block comment around it", |at| {
        let region = &at.text[at.region.clone()];
        let text = format!("/* mine_7\n{region}*/\n");
        Some(Edited::other(at.instead(at.region.clone(), &text)))
    }),
    ("it commented out line by line", |at| {
        let region: String = lines(&at.text[at.region.clone()])
            .map(|line| format!("# {}", &at.text[at.region.clone()][line]))
            .collect();
        Some(Edited::other(at.instead(at.region.clone(), &region)))
    }),
];

/// Puts a line between the markers: sccfg has to refuse there, and at no other line.
fn in_it(at: &mut At<'_>, what: &'static str) -> Option<Edited> {
    let mut places: Vec<usize> = at.body().iter().map(|line| line.start).collect();
    places.push(at.lines().pop()?.start);
    let offset = places[at.random.below(places.len())];
    let text = at.own_line(offset, what);
    let line = text[..offset].matches('\n').count() + 1;
    Some(Edited {
        refused_at: Some(line),
        ..Edited::other(text)
    })
}

fn lines(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    text.split_inclusive('\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

/// Makes an edit, and then `apply` and `remove`; returns the outcome of each.
pub(crate) fn judge_manual_edit(managed: &Managed, step: Step) -> Result<[Outcome; 2], Violation> {
    let by = &managed.by;
    let mut random = Random(step.seed);
    let path = &managed.edited[random.below(managed.edited.len())];
    let text = &managed.after.files[path];
    let regions = by.regions(text);
    let mut at = At {
        by,
        text,
        region: regions[random.below(regions.len())].clone(),
        random,
    };
    let _ = at.by;
    let Some(edited) = EDITS[step.edit % EDITS.len()].1(&mut at) else {
        return Ok([Outcome::Idle; 2]);
    };
    if edited.text == *text {
        return Ok([Outcome::Idle; 2]);
    }
    let judge = Judge {
        managed,
        path,
        edited: &edited,
    };
    let now = managed.after.with([(path.clone(), edited.text.clone())]);
    let removed = by.remove(path, &edited.text);
    let remove = match &removed {
        Ok(removed) => judge.removed(removed)?,
        Err(problem) => judge.refused("remove", problem)?,
    };
    let apply = match by.apply(&now) {
        Ok(files) => judge.applied(&now, files, removed.ok().as_deref())?,
        Err(problem) => judge.refused("apply", &problem)?,
    };
    Ok([apply, remove])
}

struct Judge<'a> {
    managed: &'a Managed,
    path: &'a Path,
    edited: &'a Edited,
}

impl Judge<'_> {
    fn hold(&self, holds: bool, property: &'static str, details: &str) -> Result<(), Violation> {
        if holds {
            return Ok(());
        }
        Err(Violation {
            property,
            details: format!(
                "{}\n--- {} of {} as it was edited\n{}",
                short(details),
                self.path.display(),
                self.managed.before.name,
                short(&self.edited.text)
            ),
        })
    }

    /// A refusal says where and what to do.
    fn refused(&self, what: &str, problem: &Problem) -> Result<Outcome, Violation> {
        let said = format!("{what}: {problem}");
        self.hold(problem.hint.is_some(), "a refusal has a hint", &said)?;
        let place = problem.place.as_ref();
        let last = self.edited.text.matches('\n').count() + 1;
        let is_there = place.is_some_and(|place| {
            self.managed.after.files.contains_key(&place.path)
                && (place.path != self.path || (1..=last).contains(&place.line))
        });
        self.hold(is_there, "a refusal names a line of the file", &said)?;
        if let (Some(line), Some(place)) = (self.edited.refused_at, place) {
            let (last, is_near) = (line + 1, place.line == line || place.line == line + 1);
            let said = format!("{said}\nnot {line} or {last}");
            self.hold(
                is_near,
                "a refusal names the line that a person wrote",
                &said,
            )?;
        }
        Ok(Outcome::Refused)
    }

    fn removed(&self, removed: &str) -> Result<Outcome, Violation> {
        if removed == self.edited.text {
            // Nothing is written; there is no region any more.
            let regions = self.managed.by.regions(removed);
            let is_text = regions
                .iter()
                .all(|region| is_commented_out(removed, region.start));
            self.hold(is_text, "a region is not left there silently", removed)?;
            return Ok(Outcome::Idle);
        }
        let before = &self.managed.before.files[self.path];
        self.hold(
            self.edited.refused_at.is_none(),
            "what a person wrote in a region is refused",
            removed,
        )?;
        self.whole(removed)?;
        if let Some(added) = self.edited.added {
            let (was, is) = (letters(before), letters(removed));
            let added = letters(added);
            let kept = is.len() == was.len() + added.len() && is_within(&was, &is);
            self.hold(kept, "remove gives back all that was there", removed)?;
            self.hold(
                is.contains(&added),
                "what was added is there as it was",
                removed,
            )?;
            let mut extra = essence(removed);
            let in_string = !added.is_empty()
                && !essence(removed)
                    .iter()
                    .any(|token| token.1.contains(MINE) && token.0 != TOKEN_STRING_CONTENT);
            // What was put at the end of a comment's line became a part of it.
            let in_comment = essence(&self.edited.text).iter().any(|(kind, token)| {
                *kind == TOKEN_COMMENT && token.contains(MINE) && !added.contains(token)
            });
            if !in_string && !in_comment {
                let is_within = essence(before).iter().all(|token| {
                    let found = extra.iter().position(|other| other == token);
                    if let Some(found) = found {
                        extra.drain(..=found);
                    }
                    found.is_some()
                });
                self.hold(
                    is_within,
                    "remove gives back every token and comment",
                    removed,
                )?;
            }
        }
        Ok(Outcome::Kept)
    }

    fn applied(
        &self,
        now: &Flake,
        files: BTreeMap<PathBuf, String>,
        removed: Option<&str>,
    ) -> Result<Outcome, Violation> {
        let by = &self.managed.by;
        let then = now.with(files);
        let text = &then.files[self.path];
        self.hold(
            self.edited.refused_at.is_none(),
            "what a person wrote in a region is refused",
            text,
        )?;
        if *text != self.edited.text {
            self.whole(text)?;
        }
        for text in then.files.values() {
            if Root::parse(text).errors().is_empty() {
                continue;
            }
            let was_broken = self
                .managed
                .before
                .files
                .values()
                .any(|before| before == text);
            self.hold(was_broken, "the result parses", text)?;
        }
        match by.apply(&then) {
            Ok(again) => self.hold(again.is_empty(), "apply twice is apply once", text)?,
            Err(problem) => self.hold(
                false,
                "apply can be repeated",
                &format!("{problem}\n{text}"),
            )?,
        }
        if let Some(removed) = removed {
            let after = by.remove(self.path, text);
            self.hold(
                after.as_deref() == Ok(removed),
                "remove after apply is remove",
                &format!("{after:?}\n{removed:?}"),
            )?;
        }
        Ok(Outcome::Kept)
    }

    /// A result parses, and has all that stands outside of regions.
    fn whole(&self, text: &str) -> Result<(), Violation> {
        self.hold(parses(text), "the result parses", text)?;
        let before = &self.managed.before.files[self.path];
        if parses(&as_nix_reads(&self.edited.text)) && parses(&as_nix_reads(before)) {
            self.hold(
                parses(&as_nix_reads(text)),
                "the result parses where a carriage return ends a line",
                text,
            )?;
        }
        if duplicates(before).is_empty() {
            let now = duplicates(text);
            self.hold(
                now.is_empty(),
                "no attribute is defined twice",
                &format!("{now:?}\n{text}"),
            )?;
        }
        let mut outside = self.edited.text.clone();
        for region in self.managed.by.regions(&outside).into_iter().rev() {
            outside.replace_range(region, "\n");
        }
        let is_there = is_within(&letters(&outside), &letters(text));
        self.hold(
            is_there,
            "what stands outside of regions is still there",
            text,
        )?;
        let count = |text: &str| text.matches(MINE).count();
        self.hold(
            count(text) >= count(&self.edited.text),
            "what a person wrote is still there",
            text,
        )?;
        // A comment is one still, and nothing else has become one.
        let comments = |text: &str| -> Vec<String> {
            let all = essence(text).into_iter();
            all.filter(|token| token.0 == TOKEN_COMMENT && token.1.contains(MINE))
                .map(|token| token.1)
                .collect()
        };
        self.hold(
            comments(text) == comments(&self.edited.text),
            "a person's comment holds what it held",
            text,
        )
    }
}

/// The numbered lines without those of the hook.
fn short(text: &str) -> String {
    let mut is_hook = false;
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            let was_hook = is_hook;
            is_hook |= line.contains("_sccfg_hook() {");
            is_hook &= !line.contains("unset _sccfg _sccfg_incremental");
            !was_hook || line.contains(MINE) || line.contains(">>") || line.contains("<<")
        })
        .map(|(index, line)| format!("{:>4} {line}\n", index + 1))
        .collect()
}

fn is_commented_out(text: &str, offset: usize) -> bool {
    let mut start = 0;
    rnix::tokenize(text).any(|(kind, token)| {
        let range = start..start + token.len();
        start = range.end;
        kind == TOKEN_COMMENT && token.starts_with("/*") && range.contains(&offset)
    })
}

fn parses(text: &str) -> bool {
    Root::parse(text).errors().is_empty()
}

fn as_nix_reads(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

/// All but the white space.
fn letters(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_whitespace() && *c != '\u{feff}')
        .collect()
}

/// Whether all of `part` stands in `whole`, in order.
fn is_within(part: &str, whole: &str) -> bool {
    let mut whole = whole.chars();
    part.chars().all(|wanted| whole.any(|c| c == wanted))
}

/// The tokens and the comments, without the white space between them and in strings.
fn essence(text: &str) -> Vec<(SyntaxKind, String)> {
    rnix::tokenize(text)
        .filter(|(kind, _)| *kind != TOKEN_WHITESPACE)
        .map(|(kind, token)| match kind {
            TOKEN_STRING_CONTENT | TOKEN_COMMENT => (kind, letters(token)),
            _ => (kind, token.to_owned()),
        })
        .collect()
}
