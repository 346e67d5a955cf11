// 通讯录: departments, people and leavers, as DingTalk's admin console has them.
import { ask, check, empty, field, h, head, moment, pick, t, table, tag, toast } from "/sandbox/page/kit.js";
import { act, chosen, note, overview, read, redraw, splitIds, switcher, tree } from "./corp.js";

const at = { department: 1, word: "", offset: 0 };
const PAGE = 50;
const LEVELS = { 0: ["员工", "Member"], 1: ["主管理员", "Main administrator"], 2: ["子管理员", "Sub-administrator"], 100: ["老板", "Boss"] };

export async function people(root) {
  const found = await overview();
  const departments = tree(found.corp.departments);
  const here = departments.find((each) => each.id === at.department) || departments[0];
  at.department = here.id;
  const page = await read("/people", { corp_id: chosen.corp, dept_id: here.id, q: at.word, offset: at.offset });
  root.append(
    head(t("通讯录", "Contacts"), t("钉钉管理后台的部门与员工。这里的每次改动都会按各应用的可见范围推送事件。", "Departments and people in DingTalk's admin console. Every change is told to the apps that see whom it happened to."),
      switcher(found), h("button", { onclick: fill }, t("批量生成", "Make many")),
      h("button", { onclick: () => department(here, null) }, t("添加子部门", "Add a department")),
      h("button.primary", { onclick: () => person(found.corp, here, null) }, t("添加员工", "Add a person"))),
    h("div.split", {}, side(departments, here), h("div", {}, filters(here, page), list(found.corp, here, page), pages(page), leavers(found.corp))));
}

const side = (departments, here) => h("div.card.tree", { role: "group", "aria-label": t("部门", "Departments") }, departments.map((each) => h("button", {
  "aria-pressed": String(each.id === here.id), style: `padding-left:${8 + each.level * 16}px`, title: `${each.name} · ${each.id}`,
  onclick: () => { at.department = each.id; at.offset = 0; redraw(); },
}, each.name, h("span.hint", {}, String(each.people)))));

function filters(here, page) {
  const search = h("input", { type: "search", value: at.word, placeholder: t("姓名、手机号", "Name, mobile"), "aria-label": t("查找", "Find") });
  search.addEventListener("change", () => { at.word = search.value.trim(); at.offset = 0; search.blur(); redraw(); });
  return h("div.row", { style: "margin-bottom:12px" }, search,
    h("span.hint", {}, `${here.name}（ID ${here.id}）· ${page.total} ${t("人", "people")}`), h("span.fill"),
    h("button", { onclick: () => department(null, here) }, t("编辑部门", "Change department")),
    here.id !== 1 && h("button.danger", { onclick: () => removeDepartment(here) }, t("删除部门", "Remove department")));
}

function list(corp, here, page) {
  const names = Object.fromEntries(corp.departments.map((each) => [each.id, each.name]));
  if (!page.people.length) return h("div.card", {}, empty(t("这里没有员工。", "Nobody is here."), h("button", { onclick: () => person(corp, here, null) }, t("添加员工", "Add a person"))));
  return table(
    [t("姓名", "Name"), t("员工 ID", "User id"), t("手机号", "Mobile"), t("部门", "Departments"), t("职位", "Title"), t("身份", "Standing"), t("应用可见", "Seen by"), ""],
    page.people.map((each) => [
      each.name, h("code", {}, each.userid), each.mobile, each.departments.map((id) => names[id] || id).join("、"), each.title || "–",
      each.level ? tag(t(...LEVELS[each.level]), "partner") : t(...LEVELS[0]), String(each.seen_by.length),
      [h("span", {}, h("button.plain", { onclick: () => person(corp, here, each) }, t("编辑", "Edit")), h("button.plain.danger", { onclick: () => leave(each) }, t("离职", "Leave"))), "act"],
    ]), "");
}

function pages(page) {
  if (page.total <= PAGE) return null;
  const go = (by) => () => { at.offset += by; redraw(); };
  return h("p.row", {}, h("button", { disabled: at.offset === 0, onclick: go(-PAGE) }, t("上一页", "Before")),
    h("span.hint", {}, `${at.offset + 1}–${Math.min(page.total, at.offset + PAGE)} / ${page.total}`),
    h("button", { disabled: at.offset + PAGE >= page.total, onclick: go(PAGE) }, t("下一页", "Next")));
}

function leavers(corp) {
  if (!corp.leavers.length) return null;
  return h("section", {}, h("h3", { style: "margin-top:20px" }, t("离职员工", "Leavers")), table(
    [t("姓名", "Name"), t("员工 ID", "User id"), t("手机号", "Mobile"), t("离职时间", "Left"), ""],
    [...corp.leavers].reverse().map((each) => [each.name, h("code", {}, each.userid), each.mobile, moment(each.at),
      [h("button.plain", { onclick: () => back(each) }, t("重新入职", "Hire again")), "act"]]), ""));
}

async function person(corp, here, each) {
  const roles = corp.roles.map((role) => `${role.id} ${role.name}`).join("，");
  const given = await ask(each ? t("编辑员工", "Change person") : t("添加员工", "Add a person"), [
    field(t("姓名", "Name"), h("input", { name: "name", required: true, value: each?.name || "" })),
    field(t("手机号", "Mobile"), h("input", { name: "mobile", required: true, pattern: "1[0-9]{10}", value: each?.mobile || "" })),
    field(t("部门 ID", "Department ids"), h("input", { name: "departments", required: true, value: (each?.departments || [here.id]).join(";") }), t("多个用 ; 分开", "several with ;")),
    field(t("负责的部门 ID", "Heads departments"), h("input", { name: "leads", value: (each?.leads || []).join(";") })),
    field(t("职位", "Title"), h("input", { name: "title", value: each?.title || "" })),
    field(t("工号", "Job number"), h("input", { name: "job_number", value: each?.job_number || "" })),
    field(t("邮箱", "E-mail"), h("input", { name: "email", value: each?.email || "" })),
    field(t("角色 ID", "Role ids"), h("input", { name: "roles", value: (each?.roles || []).join(";") }), roles),
    field(t("身份", "Standing"), pick({ name: "level" }, Object.entries(LEVELS).map(([value, label]) => [value, t(...label)]), each?.level || 0)),
    check(t("子管理员有本应用的管理权限", "As sub-administrator, may manage the app"), { name: "may_manage_apps", checked: each?.may_manage_apps }),
  ], each ? t("保存员工", "Save the person") : t("添加员工", "Add the person"));
  if (!given) return;
  const lists = Object.fromEntries(["departments", "leads", "roles"].map((name) => [name, splitIds(given[name]).map(Number)]));
  await act("/people", { ...given, ...lists, level: Number(given.level), corp_id: chosen.corp, ...(each ? { userid: each.userid } : {}) });
  toast(t("已保存", "Saved"));
}

async function leave(each) {
  const given = await ask(t(`${each.name} 离职`, `${each.name} leaves`), [field(t("原因", "Reason"), h("input", { name: "reason", value: t("个人原因", "personal") }))], t("确认离职", "Confirm leaving"),
    { danger: true, lead: t("员工将离开企业，其消息与登录立即失效。", "The person leaves the corp; messages and sign-in end at once.") });
  if (given) await act("/people/leave", { corp_id: chosen.corp, userid: each.userid, ...given });
}

async function back(each) {
  const { userid } = await act("/people", { corp_id: chosen.corp, name: each.name, mobile: each.mobile, departments: [1] });
  toast(t(`${each.name} 已重新入职，员工 ID ${userid}`, `${each.name} is back as ${userid}`));
}

async function department(parent, each) {
  const given = await ask(each ? t("编辑部门", "Change department") : t("添加子部门", "Add a department"), [
    field(t("名称", "Name"), h("input", { name: "name", required: true, value: each?.name || "" })),
    field(t("上级部门 ID", "Parent"), h("input", { name: "parent_id", type: "number", min: 0, value: String(each ? each.parent_id : parent.id) })),
  ], t("保存部门", "Save the department"));
  if (given) await act("/departments", { ...given, corp_id: chosen.corp, ...(each ? { id: each.id } : {}) });
}

async function removeDepartment(here) {
  const sure = await ask(t(`删除部门 ${here.name}`, `Remove ${here.name}`), [], t("删除部门", "Remove the department"), { danger: true, lead: t("只能删除没有员工和子部门的部门。", "Only a department without people and departments can be removed.") });
  if (!sure) return;
  await act("/departments/remove", { corp_id: chosen.corp, id: here.id });
  at.department = here.parent_id || 1;
}

async function fill() {
  const given = await ask(t("批量生成", "Make many"), [
    field(t("员工数", "People"), h("input", { name: "people", type: "number", min: 0, max: 200000, value: "20000" })),
    field(t("部门数", "Departments"), h("input", { name: "departments", type: "number", min: 0, max: 10000, value: "800" })),
    note(t("不推送事件：如同企业本来就有这些人。", "No events: as if they had always been there.")),
  ], t("生成员工", "Make them"));
  if (!given) return;
  const made = await act("/fill", { ...given, corp_id: chosen.corp });
  toast(t(`现有 ${made.people} 人、${made.departments} 个部门`, `${made.people} people in ${made.departments} departments now`));
}
