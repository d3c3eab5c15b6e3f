//! Passwords, users and TLS.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use standpipe_oracle::{RedisOptions, RigError};
use standpipe_pipeline::{Acquire, Remedy, Transient};
use standpipe_redis_sink::{Concern, Password, RedisError, RedisSettings, RedisSinks};

use crate::setup::{World, deliver, key, settings, soon};

const SECRET: &str = "open sesame %@/";

fn with_password() -> RedisOptions {
    RedisOptions { password: Some(SECRET.to_owned()), ..RedisOptions::default() }
}

fn with_user(rule: &str) -> RedisOptions {
    RedisOptions { users: vec![format!("ingest on >secret {rule}")], ..with_password() }
}

fn as_user(mut settings: RedisSettings) -> RedisSettings {
    settings.address = settings.address.with_user("ingest").with_password(Password::new("secret"));
    settings
}

#[tokio::test]
async fn a_password_lets_in() {
    let world = World::with(with_password(), |mut settings| {
        settings.address = settings.address.with_password(Password::new(SECRET));
        settings
    })
    .await;
    assert!(soon(world.sinks.check(&[key()])).await.is_ok());
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    assert_eq!(world.entries().await, ["a"]);
}

#[tokio::test]
async fn i12_a_missing_or_wrong_password_is_an_error_that_does_not_tell_it() {
    for password in [None, Some("hunter2")] {
        let world = World::with(with_password(), |mut settings| {
            if let Some(password) = password {
                settings.address = settings.address.with_password(Password::new(password));
            }
            settings
        })
        .await;
        let errors = [
            soon(world.sinks.check(&[key()])).await.unwrap_err(),
            soon(world.sinks.acquire(&key())).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, RedisError::Credentials { .. }), "{error}");
            assert_eq!(error.remedy(), Remedy::Fail);
            let printed = format!("{error} {error:?} {:?}", world.sinks);
            assert!(!printed.contains("hunter2") && !printed.contains(SECRET), "{printed}");
        }
    }
}

#[tokio::test]
async fn a_user_with_the_permissions_that_the_error_names_is_enough() {
    let rule = "~firehose_live* +eval +evalsha +xadd +xlen +get +set +type +info";
    let world = World::with(with_user(rule), as_user).await;
    let findings = soon(world.sinks.check(&[key()])).await.unwrap();
    assert_eq!(findings.concerns, [Concern::NotPersistent]);
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
    world.run(&["SCRIPT", "FLUSH"]).await;
    deliver(&mut writer, (1, 2, &["b"])).await.unwrap();
    assert_eq!(world.entries().await, ["a", "b"]);
}

#[tokio::test]
async fn a_user_without_a_permission_is_an_error_that_says_what_is_needed() {
    for rule in [
        "~firehose_live* +evalsha +xadd +xlen +get +set +type +info",
        "~firehose_live* +eval +evalsha +xadd +xlen +get +type +info",
        "~other* +@all",
    ] {
        let world = World::with(with_user(rule), as_user).await;
        let errors = [
            soon(world.sinks.acquire(&key())).await.unwrap_err(),
            soon(world.sinks.check(&[key()])).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, RedisError::Permission { .. }), "{rule}: {error}");
            assert_eq!(error.remedy(), Remedy::Fail);
        }
    }
}

#[tokio::test]
async fn a_permission_that_only_a_delivery_needs_is_missed_before_the_first() {
    let rule = "~firehose_live* +eval +evalsha +xlen +get +set +type +info";
    let world = World::with(with_user(rule), as_user).await;
    let error = soon(world.sinks.check(&[key()])).await.unwrap_err();
    assert!(error.to_string().contains("it may not XADD firehose_live)"), "{error}");
    world.run(&["ACL", "SETUSER", "ingest", "+xadd"]).await;
    assert!(soon(world.sinks.check(&[key()])).await.is_ok());
}

#[tokio::test]
async fn a_server_that_may_not_be_asked_for_its_settings_is_used_and_that_is_said() {
    let world = World::with(with_user("~firehose_live* +@all -info"), as_user).await;
    let findings = soon(world.sinks.check(&[key()])).await.unwrap();
    assert!(matches!(findings.concerns[..], [Concern::Unreadable { .. }]), "{findings:?}");
    let mut writer = world.writer().await;
    deliver(&mut writer, (0, 1, &["a"])).await.unwrap();
}

/// A world whose server has a TLS port, unless it was built without.
async fn with_tls() -> Option<World> {
    let options = RedisOptions { tls: true, ..RedisOptions::default() };
    match World::start(options, |settings| settings).await {
        Ok(world) => Some(world),
        Err(error @ RigError::NoTls { .. }) => {
            println!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Settings for the server's TLS port, trusting these certificates.
fn over_tls(world: &World, roots: RootCertStore) -> RedisSettings {
    let address = world.server.tls_address().unwrap();
    let mut settings = settings(address);
    settings.address = format!("rediss://localhost:{}", address.port()).parse().unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    settings.tls = Some(Arc::new(versions.with_root_certificates(roots).with_no_client_auth()));
    settings
}

#[tokio::test]
async fn rediss_speaks_tls_to_a_server_whose_certificate_is_trusted_and_to_no_other() {
    let Some(world) = with_tls().await else { return };
    let mut roots = RootCertStore::empty();
    let stranger = RedisSinks::new(over_tls(&world, roots.clone()));
    let error = soon(stranger.check(&[key()])).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable(_)), "{error}");

    let certificate = CertificateDer::from_pem_slice(world.server.certificate_pem().unwrap().as_bytes());
    roots.add(certificate.unwrap()).unwrap();
    let friend = RedisSinks::new(over_tls(&world, roots));
    assert!(soon(friend.check(&[key()])).await.is_ok());
    let mut writer = soon(friend.acquire(&key())).await.unwrap().sink;
    deliver(&mut writer, (0, 1, &["a"; 500])).await.unwrap();
    assert_eq!(world.entries().await, ["a"; 500]);
}

#[tokio::test]
async fn rediss_with_the_platforms_roots_refuses_a_certificate_of_our_own_making() {
    let Some(world) = with_tls().await else { return };
    let settings = RedisSettings { tls: None, ..over_tls(&world, RootCertStore::empty()) };
    let error = soon(RedisSinks::new(settings).check(&[key()])).await.unwrap_err();
    assert!(matches!(error, RedisError::Unreachable(_)), "{error}");
}
