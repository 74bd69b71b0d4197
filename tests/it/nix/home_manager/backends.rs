//! What the modules know of sccache's keys, against the table that the program has, and against
//! sccache itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use sccache_control::config::keys;
use sccache_control::config::version::Version;
use sccfg_util::secret::Secrecy;

use super::{HomeManager, cases, nix, nix_path};
use crate::server::free_port;
use crate::support::{Ran, Sandbox, other_sccache, project, sccache, version};

/// The keys of each typed back end: whether one has to be set.
type Backends = BTreeMap<String, BTreeMap<String, bool>>;

fn typed() -> Backends {
    let nix = nix();
    let expression = format!(
        "let lib = import {}; in builtins.mapAttrs (_: it: builtins.mapAttrs (_: key: !(key ? \
         default)) it.keys) (import {} {{ inherit lib; }})",
        nix_path(&nix.flakes.join("home-manager/stub/lib.nix")),
        nix_path(&project().join("modules/backends.nix"))
    );
    let output = nix
        .command(&Sandbox::new(), "nix-instantiate")
        .args(["--eval", "--strict", "--json", "-E", &expression])
        .output()
        .unwrap();
    let ran = Ran::new("reading the back ends".to_owned(), &output).status(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

#[requires(nix)]
#[test]
fn typed_back_ends_have_the_keys_of_the_file_but_for_secrets() {
    // Deprecated, a secret to some, or only for a service of Mozilla's.
    const LEFT_OUT: [&str; 2] = ["cache.redis.url", "cache.gcs.credential_url"];
    let backends = typed();
    let names: Vec<&str> = backends.keys().map(String::as_str).collect();
    let wanted = ["azure", "gcs", "gha", "memcached", "redis", "s3", "webdav"];
    assert_eq!(names, wanted);
    for (backend, typed) in backends {
        let table = keys::find(&format!("cache.{backend}")).unwrap();
        let mut expected: Vec<&str> = Vec::new();
        for key in table.children() {
            let path = format!("cache.{backend}.{}", key.name);
            let secret = ["password", "token", "connection_string"].contains(&key.name);
            assert!(key.secrecy == Secrecy::Secret || !secret, "{path}");
            if !secret && !LEFT_OUT.contains(&path.as_str()) {
                expected.push(key.name);
            }
            // What sccache needs, the option has a value for, or has to be given.
            if let Some(needed) = typed.get(key.name) {
                assert!(key.required || !needed, "{path} is not needed by sccache");
            }
        }
        expected.sort_unstable();
        let found: Vec<&str> = typed.keys().map(String::as_str).collect();
        assert_eq!(found, expected, "{backend}");
    }
}

#[requires(nix)]
#[test]
fn every_key_that_is_a_secret_is_refused_in_the_settings() {
    let nix = nix();
    let secrets: Vec<String> = keys::all()
        .into_iter()
        .filter(|(_, key)| key.secrecy != Secrecy::Public)
        .map(|(path, _)| path)
        .collect();
    assert!(secrets.len() > 9, "{secrets:?}");
    let settings: Vec<String> = secrets
        .iter()
        .map(|path| format!("settings.{path} = \"https://me:secret@host\";"))
        .collect();
    let expression = format!(
        "(({}) {{ configuration = {{ programs.sccache = {{ enable = true; {} }}; }}; \
         }}).activationPackage.drvPath",
        HomeManager::Stub.evaluate(nix, "me", Path::new("/home/me")),
        settings.concat()
    );
    let output = nix
        .command(&Sandbox::new(), "nix-instantiate")
        .args(["--eval", "-E", &expression])
        .output()
        .unwrap();
    let mut ran = Ran::new("settings with secrets".to_owned(), &output).status(1);
    for path in secrets {
        ran = ran.stderr_has(&format!("`programs.sccache.settings.{path}`"));
    }
}

/// The variables that the units of the cases set, by case.
fn units() -> Vec<(PathBuf, Vec<(String, String)>)> {
    let mut found = Vec::new();
    for case in fs::read_dir(cases()).unwrap() {
        let unit = case
            .unwrap()
            .path()
            .join("expected/home-files/.config/systemd/user/sccache.service");
        let Ok(text) = fs::read_to_string(&unit) else {
            continue;
        };
        let pair = |line: &str| {
            let text = line.strip_prefix("Environment=")?;
            let text = text.trim_matches('"').replace("%%", "%");
            let (name, value) = text.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        };
        found.push((unit, text.lines().filter_map(pair).collect()));
    }
    found
}

#[requires(sccache, other_sccache)]
#[test]
fn a_unit_s_variables_set_its_back_end_up() {
    // What environment files hold.
    let secrets = [
        (
            "SCCACHE_AZURE_CONNECTION_STRING",
            "BlobEndpoint=https://x.example.org/;AccountName=x;AccountKey=eA==",
        ),
        ("SCCACHE_REDIS_PASSWORD", "x"),
        ("SCCACHE_MEMCACHED_PASSWORD", "x"),
        ("SCCACHE_WEBDAV_TOKEN", "x"),
    ];
    let units = units();
    assert!(units.len() > 5);
    for sccache in [sccache(), other_sccache()] {
        let version = version(&sccache);
        for (unit, variables) in &units {
            // Without the file: what a server knows from its environment alone.
            let ours = |name: &str| name.starts_with("SCCACHE_") && name != "SCCACHE_CONF";
            let told: Vec<_> = variables.iter().filter(|(name, _)| ours(name)).collect();
            let output = Sandbox::new()
                .command(&sccache)
                .args(["--show-stats", "--stats-format=json"])
                .envs(told.iter().map(|(name, value)| (name, value)))
                .envs(secrets)
                .env_remove("SCCACHE_START_SERVER")
                .env("SCCACHE_CONF", "/nowhere")
                .env("SCCACHE_SERVER_PORT", free_port().to_string())
                .output()
                .unwrap();
            let what = format!("sccache {version} with {}", unit.display());
            let ran = Ran::new(what, &output).status(0);
            let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            let on_disk = stats["cache_location"]
                .as_str()
                .is_some_and(|it| it.starts_with("Local disk"));
            let remote = ["REDIS", "MEMCACHED", "AZURE", "WEBDAV"]
                .iter()
                .any(|name| {
                    let prefix = format!("SCCACHE_{name}_");
                    told.iter().any(|(told, _)| told.starts_with(&prefix))
                });
            assert_eq!(on_disk, !remote, "{ran:?}");
        }
    }
}

/// The config files that the cases keep.
fn configs() -> Vec<PathBuf> {
    let places = [
        "home-files/.config/sccache/config",
        "home-files/etc/sccache/config",
        "home-files/Library/Application Support/Mozilla.sccache/config",
        "etc/sccache/config",
    ];
    let mut found = Vec::new();
    for directory in [cases(), super::system::cases()] {
        for case in fs::read_dir(directory).unwrap() {
            let expected = case.unwrap().path().join("expected");
            found.extend(places.iter().map(|place| expected.join(place)));
        }
    }
    found.retain(|config| config.exists());
    found
}

#[requires(sccache, other_sccache)]
#[test]
fn sccache_reads_each_config_file() {
    let configs = configs();
    assert!(configs.len() > 15, "{configs:?}");
    for sccache in [sccache(), other_sccache()] {
        let version = version(&sccache);
        for config in &configs {
            let text = fs::read_to_string(config).unwrap();
            let sandbox = Sandbox::new();
            let output = sandbox
                .command(&sccache)
                .args(["--show-stats", "--stats-format=json"])
                .env("SCCACHE_CONF", config)
                .env("SCCACHE_SERVER_PORT", free_port().to_string())
                .output()
                .unwrap();
            let what = format!("sccache {version} with {}", config.display());
            let ran = Ran::new(what, &output);
            // The options say from which version on sccache has these keys.
            let too_new = text.contains("storage_account") && version < Version::new(0, 19, 0)
                || text.contains("rw_mode")
                    && !text.contains("disk")
                    && version < Version::new(0, 16, 0)
                || text.contains("multilevel") && version < Version::new(0, 15, 0)
                || text.contains("basedirs") && version < Version::new(0, 14, 0);
            if too_new {
                continue;
            }
            let ran = ran.status(0);
            let stats: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
            let size = text.lines().find_map(|line| line.strip_prefix("size = "));
            if let Some(size) = size.filter(|_| !text.contains("[cache.redis]")) {
                assert_eq!(stats["max_cache_size"].to_string(), size, "{ran:?}");
            }
        }
    }
}
