"use strict";
// Keeps the pages fresh. Every word comes from the page itself, which the server wrote in the reader's language.
(() => {
  const page = document.documentElement;
  const number = new Intl.NumberFormat(page.lang);
  const clock = new Intl.DateTimeFormat(page.lang, { timeStyle: "medium", timeZone: page.dataset.zone });
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const put = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
  const sum = (counts) => Object.values(counts).reduce((total, count) => total + count, 0);
  const percent = (part, whole) => whole ? number.format(Math.round(1000 * part / whole) / 10) + "\u202f%" : "";

  const figures = (view) => {
    const failed = sum(view.failed);
    const euros = new Intl.NumberFormat(page.lang, { style: "currency", currency: "EUR" });
    return {
      recipients: number.format(view.recipients), confirmed: number.format(view.confirmed), informed: number.format(view.informed),
      "not-confirmed": number.format(view.not_confirmed), failed: number.format(failed), spared: number.format(view.spared), pending: number.format(view.pending),
      attempts: number.format(view.attempts), calling: number.format(view.calling), ringing: number.format(view.ringing),
      speaking: number.format(view.speaking), rate: number.format(Math.round(view.rate * 10) / 10), billed: number.format(view.billed_seconds),
      cost: euros.format(view.cost_micros / 1e6), end: view.predicted_end_ms ? clock.format(view.predicted_end_ms) : "–",
      "share-confirmed": percent(view.confirmed, view.recipients), "share-informed": percent(view.informed, view.recipients),
      "share-not-confirmed": percent(view.not_confirmed, view.recipients), "share-failed": percent(failed, view.recipients), "share-spared": percent(view.spared, view.recipients),
      "share-pending": percent(view.pending, view.recipients),
    };
  };

  // A bar of parts that add up to all recipients.
  const bar = (svg, view) => {
    const parts = [view.confirmed, view.informed, view.not_confirmed, sum(view.failed)];
    let at = 0;
    all("rect", svg).forEach((rect, index) => {
      const width = view.recipients ? 100 * (parts[index] || 0) / view.recipients : 0;
      rect.setAttribute("x", at + "%");
      rect.setAttribute("width", width + "%");
      at += width;
    });
  };

  const show = (root, view) => {
    const texts = figures(view);
    all("[data-figure]", root).forEach((element) => put(element, texts[element.dataset.figure] ?? ""));
    all("svg[data-bar]", root).forEach((svg) => bar(svg, view));
    all("[data-labels]", root).forEach((badge) => {
      badge.dataset.state = view.state;
      put(badge, JSON.parse(badge.dataset.labels)[view.state] ?? view.state);
    });
    all("[data-when]", root).forEach((element) => { element.hidden = !element.dataset.when.split(" ").includes(view.state); });
    all("[data-positive]", root).forEach((element) => { element.hidden = !view[element.dataset.positive]; });
    const ended = sum(view.outcomes);
    all("[data-cause]", root).forEach((row) => {
      const count = view.outcomes[row.dataset.cause] || 0;
      row.hidden = !count;
      put(row.querySelector("[data-count]"), number.format(count));
      put(row.querySelector("[data-share]"), percent(count, ended));
      row.querySelector("rect").setAttribute("width", (ended ? 100 * count / ended : 0) + "%");
    });
  };

  // Two curves over the minutes since the launch.
  const SVG = "http://www.w3.org/2000/svg";
  const nice = (most) => {
    const step = 10 ** Math.floor(Math.log10(Math.max(most, 1)));
    return [1, 2, 2.5, 5, 10].map((factor) => factor * step).find((value) => value >= most) || 1;
  };
  const draw = (svg, curves, whole) => {
    const wide = Math.max(260, svg.clientWidth || 700);
    svg.setAttribute("viewBox", `0 0 ${wide} 240`);
    const [left, right, top, base] = [46, wide - 8, 12, 216];
    const last = Math.max(30, ...curves.map((curve) => curve.length ? curve[curve.length - 1][0] : 0));
    const most = nice(Math.max(whole || 0, 1, ...curves.map((curve) => curve.length ? curve[curve.length - 1][1] : 0)));
    const x = (seconds) => left + (right - left) * seconds / last;
    const y = (count) => base - (base - top) * count / most;
    const grid = svg.querySelector("g");
    grid.replaceChildren();
    const add = (name, attributes, text) => {
      const element = document.createElementNS(SVG, name);
      Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
      if (text !== undefined) element.textContent = text;
      grid.append(element);
    };
    for (let part = 0; part <= 4; part += 1) {
      const count = most * part / 4;
      add("line", { class: "axis", x1: left, x2: right, y1: y(count), y2: y(count) });
      add("text", { x: left - 6, y: y(count) + 4, "text-anchor": "end" }, number.format(Math.round(count)));
      const seconds = last * part / 4;
      const minutes = Math.floor(seconds / 60) + ":" + String(Math.floor(seconds % 60)).padStart(2, "0");
      add("text", { x: x(seconds), y: base + 17, "text-anchor": part === 4 ? "end" : "middle" }, minutes);
    }
    [".line-confirmed", ".line-attempts"].forEach((name, index) => {
      svg.querySelector(name).setAttribute("points", curves[index].map(([s, n]) => x(s).toFixed(1) + "," + y(n).toFixed(1)).join(" "));
    });
  };
  const push = (curve, seconds, count) => {
    const before = curve[curve.length - 1];
    if (before && seconds <= before[0]) { before[1] = Math.max(before[1], count); return; }
    curve.push([seconds, count]);
    if (curve.length > 1200) curve.splice(1, curve.length - 2, ...curve.slice(1, -1).filter((_, index) => index % 2));
  };

  // What is wrong with the journal, if anything.
  const alarm = (why) => all("[data-alarm]", document).forEach((note) => {
    note.hidden = !why;
    put(note.querySelector("span"), why || "");
  });

  // The live page of one campaign.
  const live = document.querySelector("[data-events]");
  if (live) {
    const svg = live.querySelector("svg.curve");
    const curves = svg ? [JSON.parse(svg.dataset.confirmed), JSON.parse(svg.dataset.attempts)] : [];
    let [told, state] = [0, live.dataset.state];
    const said = document.querySelector("[data-said]");
    const take = (view) => {
      show(document, view);
      if (svg && view.launched_ms) {
        const seconds = ((view.ended_ms || Date.now()) - view.launched_ms) / 1000;
        if (!view.ended_ms || !curves[1].length) {
          push(curves[0], seconds, view.confirmed + view.informed);
          push(curves[1], seconds, view.attempts);
        }
        draw(svg, curves, view.recipients);
      }
      if (said && Date.now() - told > 20000) {
        told = Date.now();
        put(said, said.dataset.said.replace("%1", number.format(view.confirmed)).replace("%2", number.format(view.recipients)));
      }
      if (String(view.message_version) !== live.dataset.version) location.reload();
      state = view.state;
    };
    if (live.dataset.view) take(JSON.parse(live.dataset.view));
    const lost = document.querySelector("[data-lost]");
    const events = new EventSource(live.dataset.events);
    events.addEventListener("view", (event) => { if (lost) lost.hidden = true; take(JSON.parse(event.data)); });
    events.addEventListener("alarm", (event) => alarm(JSON.parse(event.data).alarm));
    events.addEventListener("error", () => { if (lost) lost.hidden = false; });
  }

  // Calls in progress: how many in each phase, and the first of them.
  all("[data-calls]").forEach((panel) => {
    const labels = JSON.parse(panel.dataset.phases);
    const body = panel.querySelector("tbody");
    const has_campaign = panel.querySelectorAll("thead th").length > 5;
    let calls = [];
    const ages = () => all("[data-since]", body).forEach((cell) => {
      const seconds = Math.max(0, Math.round((Date.now() - cell.dataset.since) / 1000));
      put(cell, Math.floor(seconds / 60) + ":" + String(seconds % 60).padStart(2, "0"));
    });
    const row = (call) => {
      const line = document.createElement("tr");
      const texts = [call.name, call.number, labels[call.phase] ?? call.phase, "", call.trunk];
      if (has_campaign) texts.push(call.campaign_name);
      texts.forEach((text, index) => {
        const cell = document.createElement(index ? "td" : "th");
        if (!index) cell.scope = "row";
        if (index === 3) cell.dataset.since = call.since_ms;
        cell.textContent = text;
        line.append(cell);
      });
      return line;
    };
    const events = new EventSource(panel.dataset.calls);
    events.addEventListener("calls", (event) => {
      const news = JSON.parse(event.data);
      calls = news.calls;
      all("[data-phase]", panel).forEach((figure) => put(figure, number.format(news.phases[figure.dataset.phase] || 0)));
      body.replaceChildren(...calls.map(row));
      panel.querySelector("[data-none]").hidden = news.total > 0;
      const rest = panel.querySelector("[data-rest]");
      rest.hidden = news.total <= calls.length;
      put(rest, panel.dataset.more.replace("%1", number.format(news.total - calls.length)));
      ages();
    });
    setInterval(ages, 1000);
  });

  // The dashboard: all campaigns, trunks.
  const board = document.querySelector("[data-live]");
  if (board) {
    const known = all("[data-campaign]", board).length;
    const look = async () => {
      try {
        const answer = await fetch(board.dataset.live, { headers: { accept: "application/json" } });
        if (answer.status === 401) { location.reload(); return; }
        const view = await answer.json();
        if (view.campaigns.length !== known) { location.reload(); return; }
        alarm(view.journal.alarm);
        view.campaigns.forEach((campaign) => {
          const row = board.querySelector(`[data-campaign="${campaign.id}"]`);
          if (row) show(row, campaign);
        });
        view.trunks.forEach((trunk, index) => {
          const row = all("[data-trunk]", board)[index];
          if (row) put(row.querySelector("[data-use]"), number.format(trunk.in_use) + " / " + number.format(trunk.channels));
        });
      } catch { /* The next look may succeed. */ }
    };
    setInterval(look, 1500);
  }

  // Hear a text before it is saved.
  all("[data-hear]").forEach((button) => {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const form = button.closest("form");
      const player = form.querySelector("audio");
      const problem = form.querySelector("[data-problem]");
      const language = form.querySelector("[name=language]");
      button.disabled = true;
      try {
        const answer = await fetch(button.dataset.hear, {
          method: "POST",
          headers: { "content-type": "application/json", "accept-language": page.lang, "x-csrf-token": document.querySelector("meta[name=csrf]").content },
          body: JSON.stringify({ text: form.querySelector("textarea").value, language: language ? language.value : page.lang }),
        });
        problem.hidden = answer.ok;
        if (answer.ok) {
          player.src = URL.createObjectURL(await answer.blob());
          player.hidden = false;
          player.play();
        } else {
          put(problem, (await answer.json()).message);
        }
      } finally {
        button.disabled = false;
      }
    });
  });

  // A message of the library fills the text.
  all("select[data-fills]").forEach((select) => {
    select.addEventListener("change", () => {
      const area = document.getElementById(select.dataset.fills);
      const chosen = select.selectedOptions[0];
      area.value = chosen.dataset.text || "";
      area.readOnly = Boolean(chosen.value);
    });
  });
})();
