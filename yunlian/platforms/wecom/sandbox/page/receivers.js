// 接收事件服务器: where events go, and the verification of the address when it is saved.
import { check, field, fill, h, head, t, tag, toast } from "/sandbox/page/kit.js";
import { act, corp, switcher } from "./corp.js";

export async function receivers(root) {
  const found = await corp();
  const { current } = found;
  fill(root,
    head(t("接收事件服务器", "Event receivers"), t("保存时平台会用 GET 请求验证地址：1 秒内回复解密后的明文。只接受本机地址。", "On saving, the address is asked by GET and has a second to answer with the decrypted text. Addresses of this machine only."), switcher(found)),
    h("div.columns", {},
      receiver(t("通讯录同步 › 接收事件服务器", "Contact sync › event receiver"), current.contacts_receiver, { which: "contacts" }, true),
      receiver(t("客户联系 › API › 接收事件服务器", "Customer contact › API › event receiver"), current.customers_receiver, { which: "customers" }, false),
      Object.values(current.apps).map((app) => receiver(`${app.name}（${app.agent}）› ${t("接收消息", "receive messages")}`, app.receiver, { which: "app", agent: app.agent }, false))));
}

function receiver(title, now, whose, contacts) {
  const input = (value) => h("input", { value, spellcheck: "false", autocomplete: "off" });
  const url = input(now.url), token = input(now.token), key = input(now.aes_key);
  const reduced = h("input", { type: "checkbox", checked: now.reduced });
  const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const random = (size) => Array.from(crypto.getRandomValues(new Uint32Array(size)), (each) => letters[each % letters.length]).join("");
  return h("section.card", {}, h("h3", {}, title, " ", now.verified ? tag(t("已启用", "In use"), "good") : tag(t("未设置", "Not set"))),
    h("div.form", {},
      h("div.wide", {}, field("URL", url)), h("div.wide", {}, field("Token", token, t("1–32 位字母与数字", "1 to 32 letters and digits"))),
      h("div.wide", {}, field("EncodingAESKey", key, t("43 位字母与数字", "43 letters and digits"))),
      contacts && h("div.wide", {}, h("label.check", {}, reduced, t("2022-08-15 之后配置（事件只带 ID）", "Configured after 2022-08-15 (events carry ids only)")))),
    h("p.row", {},
      h("button.primary", { onclick: async () => {
        const said = await act("/receivers/save", { ...whose, url: url.value, token: token.value, aes_key: key.value, reduced: contacts && reduced.checked });
        document.activeElement.blur();
        toast(said.verified ? t("验证通过，已保存", "Verified and saved") : t("已清空", "Cleared"));
      } }, t("验证并保存", "Verify and save")),
      h("button", { onclick: () => { token.value = random(24); key.value = random(43); } }, t("随机获取", "Make at random"))));
}
