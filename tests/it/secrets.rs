//! Nothing that sccfg prints, or writes for others to read, has a password in it: for every key of
//! sccache's config that may hold one, in every notation.

use std::fs;
use std::path::{Path, PathBuf};

use sccache_control::config::keys::{self, Kind};
use sccfg_util::secret::Secrecy;

use crate::server::Machine;
use crate::support::{Ran, Sandbox};

const SECRET: &str = "s3ntinel-hunter2";
const CONFIG: &str = "home/.config/sccache/config";

/// Every key, by every name, that may hold a secret, with values that do.
fn settings() -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (name, key) in keys::all() {
        let values = match key.secrecy {
            Secrecy::Public => continue,
            Secrecy::Secret => vec![SECRET.to_owned(), format!("AccountKey={SECRET}==;a=b")],
            Secrecy::Address => [
                "https://me:SECRET@host.example",
                "https://SECRET@host.example",
                "redis://:SECRET@host.example:6379",
                "https://host.example?sig=SECRET",
                "https://host.example/a?x=1&X-Amz-Security-Token=SECRET#y",
                "https://me:a/SECRET@host.example",
                "https://host.example/dav/token/SECRET/cache",
                "me:SECRET@host.example:11211",
            ]
            .map(|value| value.replace("SECRET", SECRET))
            .to_vec(),
        };
        let (table, _) = name.rsplit_once('.').unwrap();
        for written in [Some(key.name), key.alias].into_iter().flatten() {
            all.push((format!("{table}.{written}"), values.clone()));
        }
    }
    all
}

/// The rest of a table that sccache takes, so that only the secret is at stake.
fn others(name: &str) -> Vec<(&'static str, &'static str)> {
    let (table, last) = name.rsplit_once('.').unwrap();
    let variant = match last {
        "token_url" => "oauth2_code_grant_pkce",
        "auth_url" => "oauth2_implicit",
        _ => "token",
    };
    let mut others = Vec::new();
    for key in keys::find(table).unwrap().children() {
        let is_of_variant = match (key.name, variant) {
            ("token" | "token_url", _) => false,
            ("client_id", it) => it != "token",
            ("auth_url", it) => it == "oauth2_code_grant_pkce",
            _ => true,
        };
        if key.is_called(last) || !key.required || (table == "dist.auth" && !is_of_variant) {
            continue;
        }
        others.push((
            key.name,
            match (key.name, key.kind) {
                ("type", _) => match variant {
                    "token" => "'token'",
                    "oauth2_implicit" => "'oauth2_implicit'",
                    _ => "'oauth2_code_grant_pkce'",
                },
                ("endpoint" | "url" | "auth_url", _) => "'https://host.example'",
                (_, Kind::Boolean) => "true",
                (_, Kind::Choice(words)) if words.contains(&"READ_ONLY") => "'READ_ONLY'",
                _ => "'x'",
            },
        ));
    }
    others
}

/// The key with this value, as people may write it; the rest of its table goes with it.
fn notations(name: &str, value: &str) -> Vec<String> {
    let (table, last) = name.rsplit_once('.').unwrap();
    let others = others(name);
    let lines = |prefix: &str| {
        let lines = others
            .iter()
            .map(|(key, value)| format!("{prefix}{key} = {value}\n"));
        lines.collect::<Vec<_>>().concat()
    };
    let elements = others
        .iter()
        .map(|(key, value)| format!("{key} = {value}, "));
    let elements = elements.collect::<Vec<_>>().concat();
    let quoted: Vec<String> = table.split('.').map(|part| format!("\"{part}\"")).collect();
    let (first, rest) = table.split_once('.').unwrap_or((table, ""));
    let inline = match rest {
        "" => format!("{first} = {{ {elements}{last} = '{value}' }}\n"),
        rest => format!("{first} = {{ {rest} = {{ {elements}\"{last}\" = \"{value}\" }} }}\n"),
    };
    vec![
        format!("[{table}]\n{}{last} = \"{value}\"\n", lines("")),
        format!(
            "[{table}]\r\n{last} = '{value}' # a comment\r\n{}",
            lines("").replace('\n', "\r\n")
        ),
        format!(
            "[{}]\n{}'{last}'=\"\"\"{value}\"\"\"\n",
            quoted.join("."),
            lines("")
        ),
        format!("{}{name} = \"{value}\"\n", lines(&format!("{table}."))),
        inline,
    ]
}

#[track_caller]
fn silent(what: &str, ran: &Ran) {
    for (stream, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert!(!text.contains(SECRET), "{what}: {stream} of {ran:?}");
    }
}

/// The files below `directory` that have the secret, but for `but`.
fn files_with_it(directory: &Path, but: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            found.extend(files_with_it(&path, but));
        } else if path != but
            && fs::read(&path)
                .is_ok_and(|bytes| memchr::memmem::find(&bytes, SECRET.as_bytes()).is_some())
        {
            found.push(path);
        }
    }
    found
}

const HOME_NIX: &str = "{ pkgs, ... }: {\n  home.username = \"me\";\n  imports = [ ];\n}\n";
const FLAKE: &str = "{\n  outputs = { nixpkgs, ... }: {\n    devShells.x86_64-linux.default =\n      nixpkgs.legacyPackages.x86_64-linux.mkShell { };\n  };\n}\n";

/// A home with a configuration of home-manager, and a repository.
fn sandbox() -> Sandbox {
    Sandbox::new()
        .file("home/.config/home-manager/home.nix", HOME_NIX)
        .file("repo/flake.nix", FLAKE)
}

#[test]
fn no_key_is_printed_in_any_notation() {
    let mut tried = 0;
    for (name, values) in settings() {
        let sandbox = sandbox();
        let (table, _) = name.rsplit_once('.').unwrap();
        for (nth, value) in values.iter().enumerate() {
            for (other, text) in notations(&name, value).into_iter().enumerate() {
                // Every notation with the first value, every value in some notation.
                if nth > 0 && nth % 5 != other {
                    continue;
                }
                sandbox.write(CONFIG, &text);
                for args in [
                    &["config", "show"][..],
                    &["config", "show", "--json"],
                    &["config", "check"],
                    &["config", "get", &name],
                    &["config", "get", table],
                    &["home", "--take-over"],
                ] {
                    silent(&text, &sandbox.sccfg(args));
                }
                // Refused, with the file and the module as they were.
                assert_eq!(sandbox.read(CONFIG), text);
                assert_eq!(
                    files_with_it(&sandbox.path(""), &sandbox.path(CONFIG)),
                    [] as [PathBuf; 0]
                );
                let shown = sandbox.sccfg(&["config", "show", "--show-secrets"]);
                assert!(
                    shown.code != Some(0) || shown.stdout.contains(SECRET),
                    "{text}{shown:?}"
                );
                tried += 1;
            }
        }
    }
    assert!(tried > 150, "{tried}");
}

#[requires(sccache, proc)]
#[test]
fn every_command_that_reads_the_file_keeps_its_secrets() {
    let machine = Machine::new();
    machine.sandbox.write("repo/flake.nix", FLAKE);
    let mut tried = 0;
    for (name, values) in settings() {
        for text in notations(&name, &values[0]).into_iter().take(1) {
            machine.sandbox.write("conf", &text);
            for args in [
                &["config", "check", "--json"][..],
                &["config", "get", &name, "--json"],
                &["config", "set", "cache.disk.size", "5GiB"],
                &["config", "set", "cache.disk.sise", "5GiB"],
                &[
                    "config",
                    "set",
                    "cache.disk.rw_mode",
                    &format!("x password={SECRET}"),
                ],
                &["config", "unset", "cache.disk.size"],
                &["-C", "repo", "init", "--dry-run", "--size", "50GiB"],
                &[
                    "-C",
                    "repo",
                    "init",
                    "--dry-run",
                    "--json",
                    "--size",
                    "50GiB",
                ],
                &["-v", "server", "status"],
                &["server", "status", "--json"],
                &["-v", "stats"],
                &["env", "--shell", "json"],
                &["-v", "env"],
                &["hook", "bash"],
            ] {
                silent(&text, &machine.sccfg(args));
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried}");
}

#[requires(sccache, proc)]
#[test]
fn a_file_with_an_error_in_the_line_of_a_secret_is_not_quoted() {
    let machine = Machine::new();
    for line in [
        format!("password = \"{SECRET}"),
        format!("password = {SECRET}"),
        format!("password = '{SECRET}' x"),
        format!("password == \"{SECRET}\""),
        format!("password \"{SECRET}\""),
        format!("password = [\"{SECRET}\"]"),
        format!("password = \"{SECRET}\"\npassword = \"{SECRET}\""),
        format!("pasword = \"{SECRET}\""),
        format!("endpoint = redis://:{SECRET}@h"),
        format!("endpoint = \"redis://:{SECRET}@h\\q\""),
        format!("endpoint = \"redis://:{SECRET}@h\"\nurl = \"redis://:{SECRET}@h\""),
        format!("db = \"redis://:{SECRET}@h\""),
        format!("password = \"\"\"\n{SECRET}\n"),
    ] {
        for (file, text) in [
            ("conf", format!("[cache.redis]\n{line}\n")),
            (
                "conf",
                format!(
                    "[dist]\nscheduler_url = \"http://me:{SECRET}@h/path\"\n[cache.redis]\n{line}\n"
                ),
            ),
            (
                "conf.json",
                format!(
                    "{{\"cache\": {{\"redis\": {{\"password\": \"{SECRET}\", \"endpoint\": \"redis://:{SECRET}@h\", \"db\": \"x\"}}}}}}"
                ),
            ),
            (
                "conf.json",
                format!("{{\"cache\": {{\"redis\": {{\"password\": \"{SECRET}"),
            ),
        ] {
            machine.sandbox.write(file, &text);
            let file = machine.sandbox.path(file);
            for args in [
                &["config", "show"][..],
                &["config", "check"],
                &["config", "check", "--json"],
                &["config", "get", "cache.redis"],
                &["config", "set", "cache.disk.size", "5GiB"],
                &["config", "unset", "cache.redis"],
                &["server", "status"],
                &["server", "ensure"],
                &["hook", "bash"],
            ] {
                let mut command = machine.sandbox.command(env!("CARGO_BIN_EXE_sccfg"));
                command.args(args).env("SCCACHE_CONF", &file);
                let ran = Ran::new(args.join(" "), &command.output().unwrap());
                silent(&text, &ran);
            }
        }
    }
}

#[requires(sccache, proc)]
#[test]
fn variables_of_back_ends_are_not_printed() {
    let machine = Machine::new();
    let mut machine = machine;
    for name in [
        "SCCACHE_REDIS",
        "SCCACHE_MEMCACHED_ENDPOINT",
        "SCCACHE_WEBDAV_ENDPOINT",
        "SCCACHE_WEBDAV_TOKEN",
        "SCCACHE_WEBDAV_PASSWORD",
        "SCCACHE_REDIS_PASSWORD",
        "SCCACHE_AZURE_CONNECTION_STRING",
        "SCCACHE_GCS_CREDENTIALS_URL",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "ACTIONS_RUNTIME_TOKEN",
    ] {
        let is_address = !["TOKEN", "KEY", "PASSWORD"]
            .iter()
            .any(|end| name.ends_with(end));
        let value = if is_address {
            format!("redis://me:{SECRET}@127.0.0.1:1/?AccountKey={SECRET}")
        } else {
            SECRET.to_owned()
        };
        machine = machine.variable(name, &value);
    }
    for args in [
        &["-v", "env", "--shell", "json"][..],
        &["-v", "env"],
        &["-v", "hook", "bash"],
        &["-v", "server", "status"],
        &["server", "start"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["config", "check"],
        &["-v", "stats"],
    ] {
        silent(&args.join(" "), &machine.sccfg(args));
    }
}

#[test]
fn a_comment_that_may_hold_a_secret_is_left_out() {
    for (config, line) in [
        (
            format!("[cache.disk]\nsize = 5368709120\n# password = \"{SECRET}\"\n"),
            3,
        ),
        (
            format!("#[cache.redis]\n#endpoint = 'redis://:{SECRET}@h'\n[cache.disk]\nsize = 5\n"),
            1,
        ),
        (format!("[cache.disk] # token: {SECRET}\nsize = 5\n"), 1),
        (
            format!("# the password of old was\n# {SECRET}\n[cache.disk]\nsize = 5\n"),
            1,
        ),
    ] {
        let sandbox = sandbox().file(CONFIG, &config);
        silent(
            &config,
            &sandbox
                .sccfg(&["home", "--take-over", "--dry-run"])
                .status(0),
        );
        let ran = sandbox.sccfg(&["home", "--take-over"]).status(0);
        silent(&config, &ran);
        ran.stderr_has(&format!("config:{line}:"))
            .stderr_has("this comment was not copied");
        let backup = sandbox.path(&format!("{CONFIG}.backup"));
        assert_eq!(fs::read_to_string(&backup).unwrap(), config);
        assert_eq!(
            files_with_it(&sandbox.path(""), &backup),
            [] as [PathBuf; 0]
        );
    }
}

#[test]
fn get_prints_a_secret_on_request() {
    let sandbox = sandbox().file(
        CONFIG,
        "[cache.webdav]\nendpoint = \"https://me:geheim@h/x\"\npassword = \"geheim\"\n",
    );
    sandbox
        .sccfg(&["config", "get", "cache.webdav.password"])
        .status(1)
        .stderr_has("`cache.webdav.password` is a secret")
        .stderr_has("hint: to print it: sccfg config get cache.webdav.password --show-secrets");
    sandbox
        .sccfg(&["config", "get", "cache.webdav.endpoint"])
        .status(1)
        .stderr_has("https://(hidden)@h/x");
    let ran = sandbox.sccfg(&["config", "get", "--show-secrets", "cache.webdav.endpoint"]);
    assert_eq!(ran.status(0).stdout, "https://me:geheim@h/x\n");
    sandbox
        .sccfg(&["config", "show"])
        .status(0)
        .stdout_has("\"https://(hidden)@h/x\"");
}
