//! Events reach a receiver, signed, and again until it takes them.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine as _;
use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use musubi_samples::SampleOptions;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{Outcome, small, started};

type Received = (HeaderMap, Bytes);

#[derive(Clone)]
struct Receiver {
    refuse: Arc<AtomicU32>,
    got: Arc<Mutex<mpsc::UnboundedSender<Received>>>,
}

async fn take(State(receiver): State<Receiver>, headers: HeaderMap, body: Bytes) -> StatusCode {
    if let Ok(got) = receiver.got.lock() {
        got.send((headers, body)).ok();
    }
    let refusing = receiver.refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok();
    if refusing { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::ACCEPTED }
}

/// A hook that refuses the first few deliveries.
async fn receiver(refuse: u32) -> std::io::Result<(String, mpsc::UnboundedReceiver<Received>)> {
    let (sender, got) = mpsc::unbounded_channel();
    let state = Receiver { refuse: Arc::new(AtomicU32::new(refuse)), got: Arc::new(Mutex::new(sender)) };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let router = Router::new().route("/hook", post(take)).with_state(state);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok((url, got))
}

async fn next(got: &mut mpsc::UnboundedReceiver<Received>) -> Result<Received, Box<dyn std::error::Error>> {
    Ok(tokio::time::timeout(Duration::from_secs(10), got.recv()).await?.ok_or("closed")?)
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn hmac(secret: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

#[tokio::test]
async fn a_new_order_arrives_signed() -> Outcome {
    let (samples, _) = started(small()).await?;
    let (url, mut got) = receiver(0).await?;
    samples.set_sales_hook(url);
    let before = samples.counts().orders;
    let order = samples.new_order_now().await.ok_or("no order")?;
    assert_eq!(order.answer, Some(202));
    assert_eq!(samples.counts().orders, before + 1);
    let (headers, body) = next(&mut got).await?;
    assert_eq!(header(&headers, "x-sales-signature"), format!("sha256={}", hex::encode(hmac(b"hush", &body))));
    assert!(header(&headers, "x-delivery-id").starts_with("dlv-"));
    let body: Value = serde_json::from_slice(&body)?;
    assert_eq!(body["type"], "order.created");
    assert_eq!(body["data"]["order_no"], order.number.as_str());
    samples.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn an_order_that_is_shipped_says_so_and_what_left() -> Outcome {
    let (samples, client) = started(small()).await?;
    let (url, mut got) = receiver(0).await?;
    samples.set_sales_hook(url);
    let before = samples.counts().shipments;
    samples.ship_one_now();
    assert_eq!(samples.counts().shipments, before + 1);
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(serde_json::from_slice::<Value>(&next(&mut got).await?.1)?);
    }
    told.sort_by_key(|event| event["type"].to_string());
    let [order, shipment] = [&told[0]["data"], &told[1]["data"]];
    assert_eq!((told[0]["type"].as_str(), order["state"].as_str()), (Some("order.updated"), Some("shipped")));
    assert_eq!(told[1]["type"], "shipment.created");
    assert_eq!(shipment["order_nos"][0], order["order_no"]);
    assert_eq!(shipment["lines"].as_array().map(Vec::len), order["lines"].as_array().map(Vec::len));
    assert!(shipment["shipped_on"].as_str() <= order["deliver_on"].as_str(), "it may be sent ahead, never later");
    let url = format!("{}/api/v1/shipments/{}", samples.sales_url(), shipment["id"]);
    assert_eq!(crate::get(&client, &url, ("x-api-key", "key")).await?, (200, shipment.clone()));
    samples.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_refused_event_comes_again_under_the_same_id() -> Outcome {
    let (samples, _) = started(small()).await?;
    let (url, mut got) = receiver(1).await?;
    samples.set_sales_hook(url);
    let order = samples.new_order_now().await.ok_or("no order")?;
    assert_eq!(order.answer, Some(503));
    let (first, second) = (next(&mut got).await?, next(&mut got).await?);
    assert_eq!(header(&first.0, "x-delivery-id"), header(&second.0, "x-delivery-id"));
    assert_eq!(first.1, second.1);
    Ok(())
}

#[tokio::test]
async fn accounting_names_the_record_only() -> Outcome {
    let (samples, _) = started(small()).await?;
    let (url, mut got) = receiver(0).await?;
    samples.set_accounting_hook(url);
    let before = samples.counts();
    samples.pay_one_now();
    samples.invoice_one_now();
    assert_eq!(samples.counts().payments, before.payments + 1);
    assert_eq!(samples.counts().invoices, before.invoices + 1);
    let (headers, body) = next(&mut got).await?;
    let signed = format!("{}.{}.", header(&headers, "webhook-id"), header(&headers, "webhook-timestamp"));
    let mac = hmac(b"hush hush", &[signed.as_bytes(), &body].concat());
    let expected = format!("v1,{}", base64::prelude::BASE64_STANDARD.encode(mac));
    assert_eq!(header(&headers, "webhook-signature"), expected);
    let body: Value = serde_json::from_slice(&body)?;
    assert_eq!(body["type"], "payment.created");
    assert_eq!(body["data"].as_object().map(|data| data.len()), Some(1));
    Ok(())
}

#[tokio::test]
async fn business_goes_on_by_itself() -> Outcome {
    let options = SampleOptions { order_every: Some(Duration::from_millis(5)), ..small() };
    let (samples, _) = started(options).await?;
    let (url, mut got) = receiver(0).await?;
    samples.set_sales_hook(url);
    for _ in 0..6 {
        next(&mut got).await?;
    }
    samples.shutdown().await;
    Ok(())
}
