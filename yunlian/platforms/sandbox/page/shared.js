// The views every sandbox has: faults, and the journal of requests and callbacks.
import { api, field, fill, h, head, moment, pick, t, table, tag, toast } from "./kit.js";

const KINDS = {
  slow: ["变慢", "Slow"], lost: ["丢失", "Lost"], doubled: ["重复", "Doubled"], throttled: ["限流", "Throttled"],
  down: ["宕机", "Down"], late: ["迟到", "Late"], reordered: ["乱序", "Reordered"],
  "wrong-signature": ["签名错误", "Wrong signature"], "wrong-receive-id": ["接收方错误", "Wrong receive-id"],
};
const KINDS_OF = {
  answer: ["slow", "lost", "doubled", "throttled", "down"],
  callback: ["lost", "doubled", "late", "reordered", "wrong-signature", "wrong-receive-id"],
};
const WHERE = { answer: ["接口应答", "Answers"], callback: ["回调", "Callbacks"] };
const draft = { platform: "", where: "answer" };

export async function faults(root, sections) {
  const on = await api.get("/faults");
  draft.platform ||= sections[0].name;
  fill(root,
    head(t("故障开关", "Faults"), t("让平台出错，看系统如何应对。开关可以只响几次，也可以一直开着。", "Make a platform misbehave and see how the system takes it. A switch may strike a few times, or stay on."),
      on.length ? h("button", { onclick: () => off(on) }, t("全部关闭", "Switch all off")) : null),
    form(sections),
    table(
      [t("平台", "Platform"), t("位置", "Where"), t("故障", "Fault"), t("路径", "Path"), [t("还剩次数", "Times left"), "number"], [t("秒", "Seconds"), "number"], t("错误码", "Code"), ""],
      on.map((each) => [
        t(...sections.find((section) => section.name === each.platform).title), t(...WHERE[each.where]), tag(t(...KINDS[each.kind]), "bad"),
        h("code", {}, each.path), [each.times === null ? t("一直", "always") : String(each.times), "number"], [String(each.seconds), "number"], each.code || "–",
        [h("button.plain", { onclick: () => off([each]) }, t("关闭", "Switch off")), "act"],
      ]),
      t("没有打开的故障，平台一切正常。", "No fault is on; the platforms behave.")));
}

async function off(which) {
  await api.post("/faults/off", { ids: which.map((each) => each.id) });
  toast(t("已关闭", "Switched off"));
}

function form(sections) {
  const holder = h("div.card");
  const redraw = () => {
    const section = sections.find((each) => each.name === draft.platform);
    const targets = draft.where === "answer" ? section.paths.map((path) => [path, path]) : section.receivers.map(([key, title]) => [key, t(...title)]);
    const inputs = {
      platform: pick({ onchange: (event) => { draft.platform = event.target.value; redraw(); } }, sections.map((each) => [each.name, t(...each.title)]), draft.platform),
      where: pick({ onchange: (event) => { draft.where = event.target.value; redraw(); } }, Object.entries(WHERE).map(([key, title]) => [key, t(...title)]), draft.where),
      kind: pick({}, KINDS_OF[draft.where].map((kind) => [kind, t(...KINDS[kind])])),
      path: pick({}, [["*", t("全部", "All")], ...targets]),
      times: h("input", { type: "number", min: 1, placeholder: t("一直", "always"), value: "1" }),
      seconds: h("input", { type: "number", min: 0, step: 0.1, value: "3" }),
      code: h("input", { placeholder: t("平台默认", "the platform's own") }),
    };
    holder.replaceChildren(
      h("div.form", {},
        field(t("平台", "Platform"), inputs.platform), field(t("位置", "Where"), inputs.where), field(t("故障", "Fault"), inputs.kind),
        field(t("路径", "Path"), inputs.path), field(t("次数", "Times"), inputs.times), field(t("秒（变慢、丢失、迟到）", "Seconds (slow, lost, late)"), inputs.seconds),
        draft.where === "answer" && field(t("错误码（限流）", "Code (throttled)"), inputs.code)),
      h("p", {}, h("button.primary", { onclick: async () => {
        await api.post("/faults", {
          platform: draft.platform, where: draft.where, kind: inputs.kind.value, path: inputs.path.value,
          times: inputs.times.value ? Number(inputs.times.value) : null, seconds: Number(inputs.seconds.value || 0), code: inputs.code.value,
        });
        toast(t("故障已打开", "The fault is on"));
      } }, t("打开故障", "Switch the fault on"))));
  };
  redraw();
  return holder;
}

export async function journal(root, sections) {
  const entries = await api.get("/journal?limit=200");
  fill(root,
    head(t("记录", "Journal"), t("平台收到的请求与发出的回调，新的在前；重启后清空。", "Requests a platform answered and callbacks it sent, newest first; empty after a restart."),
      h("button.danger", { onclick: async () => { if (confirm(t("沙箱将回到初始状态，所有人员、部门和设置都会丢失。", "The sandbox begins again: all people, departments and settings are lost."))) { await api.post("/reset"); toast(t("已重置", "Reset")); } } }, t("重置沙箱", "Reset the sandbox"))),
    table(
      [t("时间", "Time"), t("平台", "Platform"), t("类型", "Kind"), t("内容", "What"), t("状态", "Status"), t("应答", "Said"), [t("毫秒", "ms"), "number"]],
      entries.map((each) => [
        moment(each.at), t(...(sections.find((section) => section.name === each.platform)?.title || [each.platform, each.platform])),
        each.kind === "request" ? tag(t("请求", "Request"), "moving") : tag(t("回调", "Callback"), "partner"),
        h("code", {}, each.what), tag(each.status ? String(each.status) : t("无应答", "none"), each.status === 200 ? "good" : "bad"),
        [h("code", {}, each.said), "long"], [String(each.took_ms), "number"],
      ]),
      t("还没有请求。", "No request so far.")));
}
