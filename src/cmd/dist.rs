//! `sccfg dist`

mod check;
mod toolchain;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{Outcome, changes};
use crate::cli;
use crate::config_file::ConfigFile;
use crate::dist::{
    Client, Server, Token, TokenKind, check_url, open_network, scheduler, with_client,
    without_client,
};
use crate::plan::{self, Plan};
use crate::report::Report;
use sccfg_util::env;
use sccfg_util::posix::quote;
use sccfg_util::problem::Problem;
use sccfg_util::programs::find_program;

pub(super) fn run(args: &cli::Dist, start: &Path, report: Report) -> Result<Outcome> {
    match args {
        cli::Dist::Scheduler(args) => write_scheduler(args, start, report),
        cli::Dist::Server(args) => write_server(args, start, report),
        cli::Dist::Client(args) => client(args, start, report),
        cli::Dist::Toolchain(args) => toolchain::run(args, start, report),
        cli::Dist::Check(args) => check::run(args, report),
    }
}

fn write_scheduler(args: &cli::DistScheduler, start: &Path, report: Report) -> Result<Outcome> {
    let client = Token::read(&start.join(&args.client_token_file), TokenKind::Client)?;
    let key = Token::read(&start.join(&args.server_key_file), TokenKind::ServerKey)?;
    let path = start.join(&args.out);
    let mut plan = plan::dist_config(&path, scheduler(args.address, &client, &key))?;
    let file = shown(&path);
    plan.next = vec![
        format!("start it: sccache-dist scheduler --config {file}"),
        format!(
            "a token for each build server: (umask 077; sccache-dist auth generate-jwt-hs256-server-token \
             --config {file} --server IP:PORT >server-token)"
        ),
    ];
    finish(&plan, args.output, report)
}

fn write_server(args: &cli::DistServer, start: &Path, report: Report) -> Result<Outcome> {
    let token = Token::read(&start.join(&args.token_file), TokenKind::Server)?;
    let bwrap = match &args.bwrap {
        Some(path) => start.join(path),
        None => find_program(OsStr::new("bwrap"), &env::search_path()).ok_or_else(|| {
            Problem::new("program not found: bwrap").hint(
                "install bubblewrap, in which sccache-dist compiles, or pass its path: --bwrap FILE",
            )
        })?,
    };
    let text = Server {
        scheduler: &args.scheduler,
        address: args.address,
        listen: args.listen,
        token: &token,
        cache_dir: &args.cache_dir,
        cache_size: args.cache_size,
        build_dir: &args.build_dir,
        bwrap: &bwrap,
    }
    .config()?;
    let path = start.join(&args.out);
    let mut plan = plan::dist_config(&path, text)?;
    plan.warnings.extend(open_network(&args.scheduler));
    let directory = args.build_dir.parent().unwrap_or(Path::new("/"));
    plan.next.push(format!(
        "start it as root: mkdir -p {} && SCCACHE_LOG=info sccache-dist server --config {}",
        shown(directory),
        shown(&path)
    ));
    finish(&plan, args.output, report)
}

fn client(args: &cli::DistClient, start: &Path, report: Report) -> Result<Outcome> {
    let file = ConfigFile::load()?;
    let restart = "restart the server: sccfg server ensure".to_owned();
    let (Some(url), Some(token)) = (&args.scheduler, &args.token_file) else {
        let Some(after) = without_client(file.text_or_empty(), &file.path)? else {
            return finish(&Plan::default(), args.output, report);
        };
        // A file with nothing else in it was created for this.
        let after = (!after.is_empty()).then_some(after);
        let mut plan = plan::dist_client(&file, after, "compiles here")?;
        plan.next.push(restart);
        return finish(&plan, args.output, report);
    };
    check_url(url).map_err(Problem::in_arguments)?;
    let token = Token::read(&start.join(token), TokenKind::Client)?;
    let client = Client {
        scheduler: url,
        token: &token,
        cache_size: args.cache_size,
    };
    let after = with_client(file.text_or_empty(), &file.path, &client)?;
    let mut plan = plan::dist_client(&file, Some(after), "compiles on build servers")?;
    plan.warnings.extend(open_network(url));
    plan.next
        .extend(["try it: sccfg dist check".to_owned(), restart]);
    finish(&plan, args.output, report)
}

fn finish(plan: &Plan, output: cli::PlanOutput, report: Report) -> Result<Outcome> {
    changes::carry_out(plan, output, report)?;
    Ok(Outcome::Done)
}

fn shown(path: &Path) -> String {
    quote(&path.display().to_string())
}

/// A compiler by its name on the search path or by its path.
fn compiler(name: &str) -> Result<PathBuf, Problem> {
    find_program(OsStr::new(name), &env::search_path()).ok_or_else(|| {
        Problem::new(format!("program not found: {name}"))
            .hint("enter the dev shell, or pass an installed compiler")
    })
}
