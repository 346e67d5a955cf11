// 通讯录: the tree of departments, its people, and what an administrator does with them.
import { ask, check, empty, field, fill, h, head, pick, t, table, tag, toast } from "/sandbox/page/kit.js";
import { act, corp, read, redraw, STATUS, switcher } from "./corp.js";

const at = { department: "", word: "", from: 0 };
const PAGE = 200;

export async function people(root) {
  const found = await corp();
  const departments = await read("/departments");
  const here = departments.find((each) => String(each.id) === at.department) || departments[0];
  at.department = String(here.id);
  const page = await read("/people", { department: at.department, word: at.word, from: at.from });
  fill(root,
    head(t("通讯录", "Contacts"), t("企业微信管理后台的成员与部门。在这里的改动会回调给通讯录接收事件服务器；通过接口的改动不会。", "Members and departments in WeCom's admin console. Changes made here are called back to the contacts receiver; changes by API are not."),
      switcher(found), h("button", { onclick: () => make() }, t("批量生成", "Make many")),
      h("button", { onclick: () => department(here, null) }, t("新建部门", "New department")),
      h("button.primary", { onclick: () => person(departments, null, here) }, t("新建成员", "New member"))),
    !found.current.manual_edit && h("p.notice", {}, t("通讯录权限未勾选“手动编辑”：在管理后台不能新建、修改或删除成员与部门。可在“凭证与应用”中勾选。",
      "“Edit by hand” is not ticked: the admin console can neither add, change nor delete. Tick it under “Credentials and apps”.")),
    h("div.split", {}, tree(departments, here), h("div", {}, filters(here, page), list(page, departments), pages(page))));
}

function tree(departments, here) {
  return h("div.card.tree", { role: "group", "aria-label": t("部门", "Departments") }, departments.map((each) => h("button", {
    "aria-pressed": String(each.id === here.id), style: `padding-left:${8 + each.level * 16}px`, title: `${each.name} · ${each.id}`,
    onclick: () => { at.department = String(each.id); at.from = 0; redraw(); },
  }, each.name, h("span.hint", {}, String(each.people)))));
}

function filters(here, page) {
  const search = h("input", { type: "search", placeholder: t("姓名、帐号、手机号", "Name, account, mobile"), value: at.word, "aria-label": t("查找", "Find") });
  search.addEventListener("change", () => { at.word = search.value.trim(); at.from = 0; search.blur(); redraw(); });
  return h("div.row", { style: "margin-bottom:12px" }, search, h("span.hint", {}, `${here.name}（ID ${here.id}）· ${page.total} ${t("人", "people")}`), h("span.fill"),
    h("button", { onclick: () => department(null, here) }, t("修改部门", "Change department")),
    here.parent !== 0 && h("button.danger", { onclick: () => removeDepartment(here) }, t("删除部门", "Delete department")));
}

function list(page, departments) {
  const names = Object.fromEntries(departments.map((each) => [each.id, each.name]));
  if (!page.people.length) return h("div.card", {}, empty(t("这里没有成员。", "Nobody is here."), h("button.primary", { onclick: () => person(departments, null, departments[0]) }, t("新建成员", "New member"))));
  return table(
    [t("姓名", "Name"), t("帐号", "Account"), t("手机号", "Mobile"), t("部门", "Departments"), t("职务", "Position"), t("状态", "State"), ""],
    page.people.map((each) => [
      each.name, h("code", {}, each.user), each.mobile || "–", each.departments.map((id) => names[id] || id).join("、"), each.position || "–",
      tag(t(...STATUS[each.status][0]), STATUS[each.status][1]), [acts(each, departments), "act"],
    ]), "");
}

function acts(each, departments) {
  const status = (value, label) => h("button.plain", { onclick: async () => { await act("/people/status", { user: each.user, status: value }); toast(`${each.name}：${label}`); } }, label);
  return h("span", {},
    h("button.plain", { onclick: () => person(departments, each) }, t("编辑", "Edit")),
    each.status === 1 ? status(2, t("禁用", "Disable")) : status(1, t("激活", "Activate")),
    each.status !== 5 && status(5, t("退出企业", "Leave")),
    !each.founder && h("button.plain.danger", { onclick: () => removePerson(each) }, t("删除", "Delete")));
}

function pages(page) {
  if (page.total <= PAGE) return null;
  const go = (by) => () => { at.from += by; redraw(); };
  return h("p.row", {}, h("button", { disabled: at.from === 0, onclick: go(-PAGE) }, t("上一页", "Before")),
    h("span.hint", {}, `${at.from + 1}–${Math.min(page.total, at.from + PAGE)} / ${page.total}`),
    h("button", { disabled: at.from + PAGE >= page.total, onclick: go(PAGE) }, t("下一页", "Next")));
}

async function person(departments, each, here) {
  const ids = each ? each.departments.join(";") : String(here.id);
  const given = await ask(each ? t("修改成员", "Change member") : t("新建成员", "New member"), [
    field(t("姓名", "Name"), h("input", { name: "name", required: true, value: each?.name || "" })),
    field(t("帐号", "Account"), h("input", { name: "userid", required: true, readonly: each && !each.made_by_wecom, value: each?.user || "" }),
      each && !each.made_by_wecom ? t("由企业设置过，不能再修改", "set by the company; it cannot be changed again") : ""),
    field(t("手机号", "Mobile"), h("input", { name: "mobile", value: each?.mobile || "" })),
    field(t("邮箱", "E-mail"), h("input", { name: "email", value: each?.email || "" })),
    field(t("部门 ID", "Department ids"), h("input", { name: "departments", required: true, value: ids }), t("多个用 ; 分开", "several with ;")),
    field(t("职务", "Position"), h("input", { name: "position", value: each?.position || "" })),
    field(t("性别", "Gender"), pick({ name: "gender" }, [["0", "–"], ["1", t("男", "Male")], ["2", t("女", "Female")]], each?.gender || "0")),
    !each && check(t("帐号由系统生成（可改一次）", "Account made by WeCom (may be changed once)"), { name: "generated" }),
  ], each ? t("保存成员", "Save the member") : t("新建成员", "Add the member"));
  if (!given) return;
  const { departments: places, generated, userid, ...rest } = given;
  const body = { ...rest, userid: each ? each.user : userid, department: places.split(/[;；,]/).filter(Boolean).map(Number) };
  if (each && userid !== each.user) body.new_userid = userid;
  await act("/people/save", { person: body, create: !each, made_by_wecom: Boolean(generated) });
  toast(t("已保存", "Saved"));
}

async function removePerson(each) {
  const sure = await ask(t(`删除成员 ${each.name}`, `Delete ${each.name}`), [], t("删除成员", "Delete the member"), {
    danger: true, lead: t("成员将退出企业，其客户进入待分配列表。", "The member leaves the company; their customers wait to be assigned."),
  });
  if (sure) await act("/people/delete", { user: each.user });
}

async function department(parent, each) {
  const given = await ask(each ? t("修改部门", "Change department") : t("新建部门", "New department"), [
    field(t("名称", "Name"), h("input", { name: "name", required: true, value: each?.name || "" })),
    field(t("上级部门 ID", "Id of the one above"), h("input", { name: "parentid", type: "number", required: true, readonly: each?.parent === 0, value: String(each ? each.parent : parent.id) })),
    field(t("排序（大的在前）", "Order (larger first)"), h("input", { name: "order", type: "number", min: 0, value: String(each?.order || 0) })),
  ], each ? t("保存部门", "Save the department") : t("新建部门", "Add the department"));
  if (!given) return;
  if (each?.parent === 0) delete given.parentid;
  await act("/departments/save", { department: each ? { ...given, id: each.id } : given, create: !each });
  toast(t("已保存", "Saved"));
}

async function removeDepartment(each) {
  const sure = await ask(t(`删除部门 ${each.name}`, `Delete ${each.name}`), [], t("删除部门", "Delete the department"), { danger: true, lead: t("有成员或下级部门时不能删除。", "Only an empty one can be deleted.") });
  if (sure) await act("/departments/delete", { id: each.id });
}

async function make() {
  const given = await ask(t("批量生成", "Make many"), [
    field(t("人数", "People"), h("input", { name: "people", type: "number", min: 0, max: 100000, value: "2000" })),
    field(t("部门数", "Departments"), h("input", { name: "departments", type: "number", min: 0, max: 10000, value: "80" })),
  ], t("生成人员", "Make the people"), { lead: t("加在现有成员之外，不产生回调。", "Added to those who are there; nothing is called back.") });
  if (!given) return;
  const now = await act("/make", { people: given.people || 0, departments: given.departments || 0 });
  toast(t(`现在 ${now.people} 人，${now.departments} 个部门`, `Now ${now.people} people in ${now.departments} departments`));
}
