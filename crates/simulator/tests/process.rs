//! The simulator as a process.
#![expect(clippy::wildcard_enum_match_arm, reason = "a test names what it wants and panics at the rest")]

#[cfg(test)]
mod process {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Child, Command, Stdio};

    use futures_util::StreamExt as _;
    use tokio_tungstenite::tungstenite::Message;

    fn start(arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>, String) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_simulator"))
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut address = String::new();
        out.read_line(&mut address).unwrap();
        (child, out, address.trim().to_owned())
    }

    /// The frames that a client gets until it is sent away.
    async fn all_frames(address: &str) -> Vec<Vec<u8>> {
        let url = format!("{address}/xrpc/com.atproto.sync.subscribeRepos?cursor=0");
        let stream = tokio::net::TcpStream::connect(address.strip_prefix("ws://").unwrap()).await.unwrap();
        let (mut socket, _) = Box::pin(tokio_tungstenite::client_async(url, stream)).await.unwrap();
        let mut frames = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Binary(frame) => frames.push(frame.to_vec()),
                Message::Close(_) => {}
                other => panic!("{other:?}"),
            }
        }
        frames
    }

    #[tokio::test]
    async fn it_says_where_it_is_serves_and_sums_up() {
        let (mut child, mut out, address) = start(&[
            "--frames=50",
            "--epoch=1767225600000",
            "--mix=even",
            "--close-at-end",
            "--fault=text@10*1",
            "--fault=close:1011@20*1",
        ]);
        let cut_off = {
            let url = format!("{address}/xrpc/com.atproto.sync.subscribeRepos?cursor=0");
            let stream = tokio::net::TcpStream::connect(&address["ws://".len()..]).await.unwrap();
            let (mut socket, _) = Box::pin(tokio_tungstenite::client_async(url, stream)).await.unwrap();
            let mut kinds = String::new();
            while let Some(Ok(message)) = socket.next().await {
                kinds.push(match message {
                    Message::Binary(_) => 'b',
                    Message::Text(_) => 't',
                    Message::Close(_) => 'c',
                    other => panic!("{other:?}"),
                });
            }
            kinds
        };
        assert_eq!(cut_off, format!("{}t{}c", "b".repeat(10), "b".repeat(10)));
        let frames = all_frames(&address).await;
        let world = standpipe_simulator::World::new(standpipe_simulator::WorldSettings {
            mix: standpipe_simulator::Mix::even(),
            ..Default::default()
        });
        assert_eq!(frames, (0..50).map(|index| world.frame_at(index)).collect::<Vec<_>>());

        let terminate = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &terminate]).status().unwrap().success());
        let mut summary = String::new();
        out.read_line(&mut summary).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&summary).unwrap();
        assert_eq!(summary["faults"], serde_json::json!({ "send-text": 1, "close": 1 }));
        assert_eq!((&summary["frames"], &summary["newestSeq"]), (&50.into(), &50.into()));
        assert_eq!(summary["connections"][1]["frames"], 50);
        assert!(child.wait().unwrap().success());
    }

    /// What an HTTP client gets that takes one answer and leaves.
    async fn fetch(address: &str, target: &str) -> String {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let authority = address.split_once("://").unwrap().1;
        let mut stream = tokio::net::TcpStream::connect(authority).await.unwrap();
        stream.write_all(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn it_lists_repos_and_starts_pds_hosts() {
        let (mut child, mut out, relay) =
            start(&["--listing", "--accounts=100", "--pds=2", "--fault=page-status:502@row=7*1"]);
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line.trim().to_owned()
        };
        let hosts = [line(), line()];
        let list = "/xrpc/com.atproto.sync.listRepos";
        assert!(fetch(&hosts[1], list).await.starts_with("HTTP/1.1 502 "));
        assert_eq!(fetch(&hosts[1], list).await.matches("\"did\"").count(), 50);
        let listed = fetch(&relay, "/xrpc/com.atproto.sync.listHosts").await;
        for host in &hosts {
            assert!(listed.contains(&host["http://".len()..]), "{listed}");
        }

        let terminate = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &terminate]).status().unwrap().success());
        let summary: serde_json::Value = serde_json::from_str(&line()).unwrap();
        let second = &summary["pds"][1];
        assert_eq!(
            (&second["accounts"], &second["requests"], &second["rows"]),
            (&50.into(), &2.into(), &50.into())
        );
        assert_eq!(second["faults"], serde_json::json!({ "page-status": 1 }));
        assert_eq!(summary["pages"]["faults"], serde_json::json!({ "page-status": 0 }));
        assert!(child.wait().unwrap().success());
    }

    #[tokio::test]
    async fn it_is_a_labeler_that_signs_with_a_document_in_a_directory() {
        let did = "did:plc:7rvn2fejhf474djdyuspmjnt";
        let (mut child, mut out, address) = start(&[
            "--labeler",
            did,
            "--sign=mixed",
            "--rotate-at=20",
            "--directory",
            "--frames=50",
            "--backlog=19",
            "--epoch=1767225600000",
            "--fault=lookup-status:503@0",
        ]);
        let mut line = || {
            let mut line = String::new();
            out.read_line(&mut line).unwrap();
            line.trim().to_owned()
        };
        let directory = line();
        let path = format!("/{did}");
        assert!(fetch(&directory, &path).await.starts_with("HTTP/1.1 503 "));
        let document = fetch(&directory, &path).await;
        let signatures = standpipe_simulator::SignatureSettings {
            rotations: vec![20],
            ..standpipe_simulator::SignatureSettings::mixed()
        };
        let settings = standpipe_simulator::WorldSettings::default();
        let world = standpipe_simulator::LabelWorld::new(settings, did).signed(signatures);
        assert!(document.contains(&world.keys()[0].multikey()), "{document}");
        assert!(document.contains(&address.replacen("ws", "http", 1)), "{document}");

        let url = format!("{address}/xrpc/com.atproto.label.subscribeLabels?cursor=0");
        let stream = tokio::net::TcpStream::connect(&address["ws://".len()..]).await.unwrap();
        let (mut socket, _) = Box::pin(tokio_tungstenite::client_async(url, stream)).await.unwrap();
        for index in 0..19 {
            let frame = socket.next().await.unwrap().unwrap().into_data();
            assert_eq!(frame, world.frame_at(index), "{index}");
        }

        let terminate = format!("kill -TERM {}", child.id());
        assert!(Command::new("sh").args(["-c", &terminate]).status().unwrap().success());
        let summary: serde_json::Value = serde_json::from_str(&line()).unwrap();
        let lookups = serde_json::json!({ "counts": { did: 2 }, "faults": { "lookup-status": 1 } });
        assert_eq!(summary["lookups"], lookups);
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn it_says_what_it_cannot_do() {
        for arguments in [
            &["--file=/does/not/exist"][..],
            &["--ring=5", "--first-seq=5"],
            &["--fault=nonsense"],
            &["--tls"],
            &["--pds=2"],
            &["--sign=sound"],
            &["--labeler=did:plc:x", "--rotate-at=5"],
            &["--labeler=did:plc:x", "--directory"],
        ] {
            let output = Command::new(env!("CARGO_BIN_EXE_simulator")).args(arguments).output().unwrap();
            assert!(!output.status.success());
            assert!(!output.stderr.is_empty());
            assert!(output.stdout.is_empty());
        }
    }
}
