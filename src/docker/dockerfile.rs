//! The contents of a Dockerfile: its stages, the variables that they set, and the instructions that run cargo.

use std::collections::BTreeMap;
use std::path::Path;

use parse_dockerfile::{Command, Flag, Instruction, RunInstruction, Source};

use super::Stripped;
use crate::cargo_use::{self, CargoUse};
use sccfg_util::problem::{Place, Problem};

/// A Dockerfile.
#[derive(Debug)]
pub(crate) struct Dockerfile<'a> {
    path: &'a Path,
    file: &'a str,
    stripped: &'a Stripped,
    pub(super) stages: Vec<Stage>,
    /// Default values of the arguments in front of the first stage.
    pub(super) arguments: BTreeMap<String, String>,
    /// The character that continues a line.
    pub(super) escape: char,
    /// The value of the directive `syntax`, and where it is.
    pub(super) syntax: Option<(String, usize)>,
    /// The byte behind the line of the last directive.
    pub(super) directives_end: usize,
    /// References to stages by number.
    pub(super) by_number: Vec<usize>,
    /// The length of the byte order mark, which is not given to the parser.
    start: usize,
}

/// A stage: `FROM`, and what follows.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) at: usize,
    pub(super) name: Option<String>,
    /// The image, or the name of another stage.
    pub(super) base: String,
    pub(super) platform: Option<String>,
    pub(super) steps: Vec<Step>,
}

/// An instruction that matters.
#[derive(Debug)]
pub(super) enum Step {
    /// `ENV` and `ARG`: the name, and the value as it is written.
    Set(String, String, usize),
    User(String),
    Run(Run),
    /// `COPY`, `ADD`: the sources.
    Copy(String),
    /// `ONBUILD` of a command that compiles.
    OnBuild(usize),
}

/// `RUN`
#[derive(Debug)]
pub(super) struct Run {
    pub(super) at: usize,
    /// The byte behind the keyword.
    pub(super) keyword_end: usize,
    /// The command as a script, without line continuations.
    pub(super) script: String,
    pub(super) cargo: CargoUse,
    /// The options, such as `--mount`.
    pub(super) options: Vec<(String, String)>,
}

/// Whether a file of this name is a Dockerfile.
pub(crate) fn is_dockerfile(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_other = [
        ".dockerignore",
        ".j2",
        ".tmpl",
        ".template",
        ".in",
        ".erb",
        ".md",
        ".orig",
        ".bak",
    ]
    .iter()
    .any(|end| name.ends_with(end));
    let starts = ["dockerfile", "containerfile"].iter().any(|start| {
        name.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    });
    !is_other && (starts || name.ends_with(".dockerfile") || name.ends_with(".containerfile"))
}

impl<'a> Dockerfile<'a> {
    /// Reads `file`, the contents of `path`, which is `stripped` without regions.
    ///
    /// # Errors
    /// If it is not a Dockerfile.
    pub(crate) fn read(
        path: &'a Path,
        file: &'a str,
        stripped: &'a Stripped,
    ) -> Result<Self, Problem> {
        let mut dockerfile = Self {
            path,
            file,
            stripped,
            stages: Vec::new(),
            arguments: BTreeMap::new(),
            escape: '\\',
            syntax: None,
            directives_end: 0,
            by_number: Vec::new(),
            start: 0,
        };
        let text = stripped.text.trim_start_matches('\u{feff}');
        let start = stripped.text.len() - text.len();
        dockerfile.start = start;
        let parsed = parse_dockerfile::parse(text).map_err(|error| {
            let at = start + offset_of(text, error.line(), error.column());
            dockerfile.problem(
                at,
                // Without the location, which is that in the text without regions.
                format!("not a Dockerfile that can be edited: {error:#}"),
                "templates cannot be edited, nor here-documents that do not directly follow RUN",
            )
        })?;
        let directives = &parsed.parser_directives;
        if let Some(escape) = &directives.escape {
            dockerfile.escape = escape.value.value;
        }
        dockerfile.syntax = directives
            .syntax
            .as_ref()
            .map(|syntax| (syntax.value.value.to_owned(), start + syntax.span().start));
        let ends = [
            directives
                .syntax
                .as_ref()
                .map(|directive| directive.span().end),
            directives
                .check
                .as_ref()
                .map(|directive| directive.span().end),
            directives
                .escape
                .as_ref()
                .map(|directive| directive.span().end),
        ];
        if let Some(end) = ends.into_iter().flatten().max() {
            dockerfile.directives_end = start + line_end(text, end);
        }
        for instruction in &parsed.instructions {
            dockerfile.add(instruction);
        }
        Ok(dockerfile)
    }

    fn add(&mut self, instruction: &Instruction<'_>) {
        let start = self.start;
        let at = |offset: usize| start + offset;
        if let Instruction::From(from) = instruction {
            let base = self.with_arguments(&from.image.value);
            if base.parse::<usize>().is_ok() {
                self.by_number.push(at(from.image.span.start));
            }
            self.stages.push(Stage {
                at: at(from.from.span.start),
                name: from.as_.as_ref().map(|(_, name)| name.value.to_string()),
                base,
                platform: option(&from.options, "platform"),
                steps: Vec::new(),
            });
            return;
        }
        let mut steps = Vec::new();
        match instruction {
            Instruction::Env(env) => {
                let at = at(env.env.span.start);
                for (name, value) in settings(&env.arguments.value) {
                    steps.push(Step::Set(name, value, at));
                }
            }
            Instruction::Arg(arg) => {
                for (name, value) in settings(&arg.arguments.value) {
                    if self.stages.is_empty() {
                        if !value.is_empty() {
                            self.arguments.insert(name, value);
                        }
                    } else {
                        steps.push(Step::Set(name, value, at(arg.arg.span.start)));
                    }
                }
            }
            Instruction::User(user) => steps.push(Step::User(user.arguments.value.to_string())),
            Instruction::Run(run) => {
                let is_number = |part: &str| {
                    let stage = part.strip_prefix("from=");
                    stage.is_some_and(|stage| stage.parse::<usize>().is_ok())
                };
                let values = run.options.iter().filter_map(|flag| flag.value.as_ref());
                let by_number = values.filter(|value| value.value.split(',').any(is_number));
                self.by_number
                    .extend(by_number.map(|value| at(value.span.start)));
                steps.push(Step::Run(Run::new(run, self.start)));
            }
            Instruction::Onbuild(onbuild) => {
                if let Instruction::Run(run) = &*onbuild.instruction
                    && Run::new(run, self.start).cargo == CargoUse::Compiles
                {
                    steps.push(Step::OnBuild(at(onbuild.onbuild.span.start)));
                }
            }
            Instruction::Copy(copy) => {
                for flag in &copy.options {
                    if let Some(value) = &flag.value
                        && flag.name.value == "from"
                        && value.value.parse::<usize>().is_ok()
                    {
                        self.by_number.push(at(flag.span().start));
                    }
                }
                let sources = copy.src.iter().filter_map(|source| match source {
                    Source::Path(path) => Some(&*path.value),
                    _ => None,
                });
                steps.push(Step::Copy(sources.collect::<Vec<_>>().join(" ")));
            }
            _ => {}
        }
        if let Some(stage) = self.stages.last_mut() {
            stage.steps.extend(steps);
        }
    }

    /// The reference of an image, if it is nothing but an argument: the default of the argument.
    fn with_arguments(&self, image: &str) -> String {
        let name = image
            .strip_prefix("${")
            .and_then(|rest| rest.strip_suffix('}'))
            .or_else(|| image.strip_prefix('$'));
        let value = name.and_then(|name| self.arguments.get(name));
        value.map_or_else(|| image.to_owned(), Clone::clone)
    }

    /// The place of the byte at `offset` of the text without regions.
    pub(super) fn place(&self, offset: usize) -> Place {
        Place::at(self.path, self.file, self.stripped.original(offset))
    }

    pub(super) fn text(&self) -> &'a str {
        &self.stripped.text
    }

    pub(super) fn path(&self) -> &'a Path {
        self.path
    }

    pub(super) fn problem(
        &self,
        offset: usize,
        what: impl Into<String>,
        hint: impl Into<String>,
    ) -> Problem {
        Problem::new(what).at(self.place(offset)).hint(hint)
    }

    /// The instructions that run something, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        let steps = self.stages.iter().flat_map(|stage| &stage.steps);
        steps.filter_map(|step| match step {
            Step::Run(run) => Some(run),
            _ => None,
        })
    }
}

impl Run {
    fn new(run: &RunInstruction<'_>, start: usize) -> Self {
        let mut script = match &run.arguments {
            Command::Exec(words) => {
                let words = words.value.iter().map(|word| &*word.value);
                words.collect::<Vec<_>>().join(" ")
            }
            Command::Shell(text) => without_continuations(text.value),
            _ => String::new(),
        };
        for document in &run.here_docs {
            script.push('\n');
            script.push_str(&without_continuations(&document.value));
        }
        let options = run.options.iter().map(|flag| {
            let value = flag.value.as_ref().map(|value| value.value.to_string());
            (flag.name.value.to_string(), value.unwrap_or_default())
        });
        Self {
            at: start + run.run.span.start,
            keyword_end: start + run.run.span.end,
            cargo: cargo_use::of_script(&script),
            options: options.collect(),
            script,
        }
    }

    /// Whether cargo needs packages in it.
    pub(super) fn needs_packages(&self) -> bool {
        self.cargo >= CargoUse::Downloads
    }

    /// The targets of its cache mounts, with what a variable stands for left open.
    pub(super) fn cache_targets(&self) -> impl Iterator<Item = &str> {
        let mounts = self.options.iter().filter(|(name, _)| name == "mount");
        let caches = mounts.filter(|(_, value)| value.split(',').any(|part| part == "type=cache"));
        caches.flat_map(|(_, value)| {
            value.split(',').filter_map(|part| {
                let (key, target) = part.split_once('=')?;
                matches!(key, "target" | "dst" | "destination").then_some(target)
            })
        })
    }
}

fn option(options: &[Flag<'_>], name: &str) -> Option<String> {
    let flag = options.iter().find(|flag| flag.name.value == name)?;
    Some(flag.value.as_ref()?.value.to_string())
}

/// A script on one line for each command: comments and line continuations are left out.
fn without_continuations(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let line = line.trim_end();
        if line.trim_start().starts_with('#') {
            continue;
        }
        if let Some(continued) = line.strip_suffix(['\\', '`']) {
            out.push_str(continued);
            out.push(' ');
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

/// The names and values of `NAME=value …`, or of `NAME value`. Variables in values are left as they are.
fn settings(text: &str) -> Vec<(String, String)> {
    let first = text.split_whitespace().next().unwrap_or_default();
    if !first.contains('=') {
        let value = text[text.find(first).unwrap_or(0) + first.len()..].trim();
        return vec![(first.to_owned(), value.to_owned())];
    }
    let words = shlex::split(text).unwrap_or_else(|| vec![first.to_owned()]);
    words
        .iter()
        .filter_map(|word| {
            let (name, value) = word.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// The byte behind the line with `offset`.
fn line_end(text: &str, offset: usize) -> usize {
    text[offset..]
        .find('\n')
        .map_or(text.len(), |end| offset + end + 1)
}

/// The byte at a line and column, which count from 1.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    (start + column.saturating_sub(1)).min(text.len())
}
