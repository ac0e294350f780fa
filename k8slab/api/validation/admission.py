"""Webhooks and admission policies (`pkg/apis/admissionregistration/validation/validation.go`)."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from k8slab.api.cel.kinds import NULL, STRING, Kind, list_of
from k8slab.api.cel.lexer import RESERVED
from k8slab.api.validation import names
from k8slab.api.validation.metadata import Errors, object_meta
from k8slab.api.validation.selectors import label_selector
from k8slab.errors import FieldError

FAILURE_POLICIES, MATCH_POLICIES = ("Fail", "Ignore"), ("Equivalent", "Exact")
SIDE_EFFECTS, REINVOCATION = ("None", "NoneOnDryRun"), ("IfNeeded", "Never")
OPERATIONS, SCOPES = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE"), ("*", "Cluster", "Namespaced")
REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge")
ACTIONS = ("Audit", "Deny", "Warn")
REVIEW_VERSIONS = ("v1", "v1beta1")
PATCH_TYPES = ("ApplyConfiguration", "JSONPatch")
MOST_CONDITIONS, MOST_ANNOTATIONS, LONGEST_VALUE = 64, 20, 5 * 1024
TOGETHER = (
    "must not contain both Deny and Warn (repeating the same validation failure information in the API response and "
    "headers serves no purpose)"
)
EMPTY = "validations or auditAnnotations must contain at least one item"
EXCLUSIVE = "name and selector are mutually exclusive"
OBJECT, PATCHES = Kind("Object"), list_of(Kind("JSONPatch"))
"""What mutations make."""
Variables = tuple[tuple[str, Kind], ...]
_IDENTIFIER = re.compile("[_a-zA-Z][_a-zA-Z0-9]*")


# --- what a request has to be like


def _one_of(value: str | None, allowed: tuple[str, ...], path: str, errors: Errors, required: bool = False) -> None:
    if value is None:
        if required:
            errors.append(FieldError.required(path))
    elif value not in allowed:
        errors.append(FieldError.not_supported(path, value, allowed))


def _alone(values: Any, path: str, what: str, errors: Errors) -> None:
    """A wildcard stands alone."""
    if len(values) > 1 and "*" in values:
        errors.append(FieldError.invalid(path, list(values), f"if '*' is present, must not specify other {what}"))


def _rule(rule: Any, path: str, errors: Errors) -> None:
    operations = rule.operations or ()
    if not operations:
        errors.append(FieldError.required(f"{path}.operations"))
    _alone(operations, f"{path}.operations", "operations", errors)
    for index, each in enumerate(operations):
        _one_of(each, OPERATIONS, f"{path}.operations[{index}]", errors)
    for field, what in (("apiGroups", "API groups"), ("apiVersions", "API versions")):
        values = getattr(rule, field) or ()
        if not values:
            errors.append(FieldError.required(f"{path}.{field}"))
        _alone(values, f"{path}.{field}", what, errors)
    for index, version in enumerate(rule.apiVersions or ()):
        if not version:
            errors.append(FieldError.required(f"{path}.apiVersions[{index}]"))
    _resources(rule.resources or (), f"{path}.resources", errors)
    _one_of(rule.scope, SCOPES, f"{path}.scope", errors)


def _resources(resources: Any, path: str, errors: Errors) -> None:
    if not resources:
        errors.append(FieldError.required(path))
    whole: set[str] = set()
    everywhere: set[str] = set()
    for index, each in enumerate(resources):
        if not each:
            errors.append(FieldError.required(f"{path}[{index}]"))
        resource, slash, sub = each.partition("/")
        if not slash:
            continue
        for covered, pattern in ((resource in whole, f"{resource}/*"), (sub in everywhere, f"*/{sub}")):
            if covered:
                text = f"if '{pattern}' is present, must not specify {each}"
                errors.append(FieldError.invalid(f"{path}[{index}]", each, text))
        whole |= {resource} if sub == "*" else set()
        everywhere |= {sub} if resource == "*" else set()
    if len(resources) > 1 and "*/*" in resources:
        text = "if '*/*' is present, must not specify other resources"
        errors.append(FieldError.invalid(path, list(resources), text))
    if "*" in resources and any(each != "*" and "/" not in each for each in resources):
        text = "if '*' is present, must not specify other resources without subresources"
        errors.append(FieldError.invalid(path, list(resources), text))


def _matched(match: Any, path: str, errors: Errors) -> None:
    if match is None:
        return
    _one_of(match.matchPolicy, MATCH_POLICIES, f"{path}.matchPolicy", errors, required=True)
    for field in ("namespaceSelector", "objectSelector"):
        label_selector(getattr(match, field), f"{path}.{field}", errors)
    for field in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(getattr(match, field) or ()):
            _named_rule(rule, f"{path}.{field}[{index}]", errors)


def _named_rule(rule: Any, path: str, errors: Errors) -> None:
    seen = set()
    for index, name in enumerate(rule.resourceNames or ()):
        place = f"{path}.resourceNames[{index}]"
        errors += [FieldError.invalid(place, name, text) for text in names.path_segment(name)]
        if name in seen:
            errors.append(FieldError.duplicate(place, name))
        seen.add(name)
    _rule(rule, path, errors)


def _conditions(conditions: Any, path: str, has_params: bool, errors: Errors) -> None:
    seen = set()
    if len(conditions or ()) > MOST_CONDITIONS:
        errors.append(FieldError.too_many(path, len(conditions), MOST_CONDITIONS))
    for index, each in enumerate(conditions or ()):
        place = f"{path}[{index}]"
        text = (each.expression or "").strip()
        if not text:
            errors.append(FieldError.required(f"{place}.expression"))
        else:
            _compiles(text, f"{place}.expression", errors, has_params=has_params)
        if not each.name:
            errors.append(FieldError.required(f"{place}.name"))
        else:
            found = names.qualified_name(each.name)
            errors += [FieldError.invalid(f"{place}.name", each.name, why) for why in found]
        if each.name and each.name in seen:
            errors.append(FieldError.duplicate(f"{place}.name", each.name))
        seen.add(each.name)


def _compiles(text: str, path: str, errors: Errors, **options: Any) -> None:
    # Imported when needed: expressions validate names, too.
    from k8slab.api.admission import ExpressionError, expression

    try:
        expression(text, **options)
    except ExpressionError as error:
        errors.append(FieldError.invalid(path, text, str(error)))


# --- webhooks


def webhooks(obj: Any, errors: Errors) -> None:
    """A configuration of webhooks, validating or mutating."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    seen = set()
    for index, hook in enumerate(obj.webhooks or ()):
        path = f"webhooks[{index}]"
        _webhook(hook, path, errors)
        if hook.name and hook.name in seen:
            errors.append(FieldError.duplicate(f"{path}.name", hook.name))
        seen.add(hook.name)


def update_webhooks(new: Any, old: Any, errors: Errors) -> None:
    """A changed configuration."""
    webhooks(new, errors)


def _webhook(hook: Any, path: str, errors: Errors) -> None:
    _qualified(hook.name or "", f"{path}.name", errors)
    for index, rule in enumerate(hook.rules or ()):
        _rule(rule, f"{path}.rules[{index}]", errors)
    _one_of(hook.failurePolicy, FAILURE_POLICIES, f"{path}.failurePolicy", errors)
    _one_of(hook.matchPolicy, MATCH_POLICIES, f"{path}.matchPolicy", errors)
    if hook.sideEffects is None:
        text = f"must specify one of {', '.join(SIDE_EFFECTS)}"
        errors.append(FieldError.required(f"{path}.sideEffects", text))
    _one_of(hook.sideEffects, SIDE_EFFECTS, f"{path}.sideEffects", errors)
    timeout = hook.timeoutSeconds
    if timeout is not None and not 1 <= timeout <= 30:
        text = "the timeout value must be between 1 and 30 seconds"
        errors.append(FieldError.invalid(f"{path}.timeoutSeconds", timeout, text))
    for field in ("namespaceSelector", "objectSelector"):
        label_selector(getattr(hook, field), f"{path}.{field}", errors)
    _one_of(getattr(hook, "reinvocationPolicy", None), REINVOCATION, f"{path}.reinvocationPolicy", errors)
    client_config(hook.clientConfig, f"{path}.clientConfig", errors)
    _conditions(hook.matchConditions, f"{path}.matchConditions", False, errors)
    _review_versions(hook.admissionReviewVersions or (), f"{path}.admissionReviewVersions", errors)


def _qualified(name: str, path: str, errors: Errors) -> None:
    """A name with at least three parts (IsFullyQualifiedName)."""
    if not name:
        errors.append(FieldError.required(path))
        return
    found = names.dns_subdomain(name)
    if found:
        errors.append(FieldError.invalid(path, name, ",".join(found)))
    elif name.count(".") < 2:
        errors.append(
            FieldError.invalid(path, name, "should be a domain with at least three segments separated by dots")
        )


def client_config(config: Any, path: str, errors: Errors) -> None:
    """Where a webhook is: at a URL, or behind a Service."""
    if config is None or (config.url is None) is (config.service is None):
        errors.append(FieldError.required(path, "exactly one of url or service is required"))
    elif config.url is not None:
        _url(config.url, f"{path}.url", errors)
    else:
        _service(config.service, f"{path}.service", errors)


FORM = "; desired format: https://host[/path]"


def _url(text: str, path: str, errors: Errors) -> None:
    try:
        found = urlsplit(text)
    except ValueError:
        errors.append(FieldError.required(path, f'url must be a valid URL: parse "{text}": invalid URI{FORM}'))
        return
    if found.scheme != "https":
        errors.append(FieldError.invalid(path, found.scheme, f"'https' is the only allowed URL scheme{FORM}"))
    if not found.netloc:
        errors.append(FieldError.invalid(path, found.netloc, f"host must be specified{FORM}"))
    if found.username is not None:
        errors.append(FieldError.invalid(path, found.username, "user information is not permitted in the URL"))
    if found.fragment:
        errors.append(FieldError.invalid(path, found.fragment, "fragments are not permitted in the URL"))
    if found.query:
        errors.append(FieldError.invalid(path, found.query, "query parameters are not permitted in the URL"))


def _service(service: Any, path: str, errors: Errors) -> None:
    for field in ("name", "namespace"):
        if not getattr(service, field):
            errors.append(FieldError.required(f"{path}.{field}", f"service {field} is required"))
    found = names.port_number(service.port or 0) if service.port is not None else ()
    errors += [FieldError.invalid(f"{path}.port", service.port, f"port is not valid: {text}") for text in found]
    where = service.path
    if not where or where == "/":
        return
    if not where.startswith("/"):
        errors.append(FieldError.invalid(f"{path}.path", where, "must start with a '/'"))
    if where.strip("/").split("/").count(""):
        errors.append(FieldError.invalid(f"{path}.path", where, "segment may not be empty"))


def review_version_names(versions: Any, path: str, errors: Errors) -> None:
    """The versions of reviews that a webhook speaks: names, each once."""
    for index, version in enumerate(versions):
        if version in versions[:index]:
            errors.append(FieldError.invalid(f"{path}[{index}]", version, "duplicate version"))
            continue
        found = names.dns1035_label(version)
        errors += [FieldError.invalid(f"{path}[{index}]", version, text) for text in found]


def _review_versions(versions: Any, path: str, errors: Errors) -> None:
    if not versions:
        errors.append(FieldError.required(path, f"must specify one of {', '.join(REVIEW_VERSIONS)}"))
        return
    review_version_names(versions, path, errors)
    if not set(versions) & set(REVIEW_VERSIONS):
        text = f"must include at least one of {', '.join(REVIEW_VERSIONS)}"
        errors.append(FieldError.invalid(path, list(versions), text))


# --- policies


def validating_policy(obj: Any, errors: Errors) -> None:
    """A ValidatingAdmissionPolicy: all expressions compile."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec
    if spec is None:
        errors.append(FieldError.required("spec.matchConstraints"))
        return
    variables = _common(spec, errors, False)
    if not spec.validations and not spec.auditAnnotations:
        errors += [FieldError.required(f"spec.{field}", EMPTY) for field in ("validations", "auditAnnotations")]
    has_params = spec.paramKind is not None
    for index, each in enumerate(spec.validations or ()):
        _validation(each, f"spec.validations[{index}]", has_params, variables, errors)
    _annotations(obj, has_params, variables, errors)


def update_validating_policy(new: Any, old: Any, errors: Errors) -> None:
    """A changed policy."""
    validating_policy(new, errors)


def _common(spec: Any, errors: Errors, mutates: bool) -> Variables:
    """What both kinds of policies have; the types of their variables."""
    _one_of(spec.failurePolicy, FAILURE_POLICIES, "spec.failurePolicy", errors, required=True)
    _param_kind(spec.paramKind, "spec.paramKind", errors)
    if spec.matchConstraints is None:
        errors.append(FieldError.required("spec.matchConstraints"))
    else:
        _matched(spec.matchConstraints, "spec.matchConstraints", errors)
        if not spec.matchConstraints.resourceRules:
            errors.append(FieldError.required("spec.matchConstraints.resourceRules"))
    has_params = spec.paramKind is not None
    _conditions(spec.matchConditions, "spec.matchConditions", has_params, errors)
    return _variables(spec.variables or (), has_params, errors, mutates)


def _variables(declared: Any, has_params: bool, errors: Errors, mutates: bool) -> Variables:
    for index, each in enumerate(declared):
        path = f"spec.variables[{index}]"
        name = each.name or ""
        if not name.strip():
            errors.append(FieldError.required(f"{path}.name", "name is not specified"))
        elif not _IDENTIFIER.fullmatch(name) or name in RESERVED | {"true", "false", "null", "in"}:
            errors.append(FieldError.invalid(f"{path}.name", name, "name is not a valid CEL identifier"))
        if not (each.expression or "").strip():
            errors.append(FieldError.required(f"{path}.expression", "expression is not specified"))
    from k8slab.api.admission import composed

    variables, problems = composed(declared, has_params, mutates)
    for index, each in enumerate(declared):
        if each.name in problems and (each.expression or "").strip():
            path = f"spec.variables[{index}].expression"
            errors.append(FieldError.invalid(path, each.expression, problems[each.name]))
    return variables


def _param_kind(kind: Any, path: str, errors: Errors) -> None:
    if kind is None:
        return
    version = kind.apiVersion or ""
    if not version:
        errors.append(FieldError.required(f"{path}.apiVersion"))
    elif version.count("/") > 1:
        text = f"unexpected GroupVersion string: {version}"
        errors.append(FieldError.invalid(f"{path}.apiVersion", version, text))
    else:
        _group_version(version, f"{path}.apiVersion", errors)
    if not kind.kind:
        errors.append(FieldError.required(f"{path}.kind"))
        return
    found = names.dns1035_label(kind.kind.lower())
    if found:
        text = f"may have mixed case, but should otherwise match: {','.join(found)}"
        errors.append(FieldError.invalid(f"{path}.kind", kind.kind, text))


def _group_version(text: str, path: str, errors: Errors) -> None:
    group, _, version = text.rpartition("/")
    found = names.dns_subdomain(group) if group else ()
    if found:
        errors.append(FieldError.invalid(path, group, ",".join(found)))
    if not version:
        errors.append(FieldError.invalid(path, text, "version must be specified"))
        return
    found = names.dns1035_label(version)
    if found:
        errors.append(FieldError.invalid(path, version, ",".join(found)))


def _validation(each: Any, path: str, has_params: bool, variables: Variables, errors: Errors) -> None:
    text, message = each.expression or "", (each.message or "").strip()
    if not text.strip():
        errors.append(FieldError.required(f"{path}.expression", "expression is not specified"))
    else:
        _compiles(text, f"{path}.expression", errors, has_params=has_params, variables=variables)
    place, found = f"{path}.messageExpression", each.messageExpression or ""
    if found and not found.strip():
        errors.append(FieldError.invalid(place, found, "must be non-empty if specified"))
    elif found:
        options = {"has_params": has_params, "has_authorizer": False, "variables": variables}
        _compiles(found, place, errors, wanted=(STRING,), **options)
    if each.message and not message:
        errors.append(FieldError.invalid(f"{path}.message", each.message, "message must be non-empty if specified"))
    elif "\n" in message or "\r" in message:
        errors.append(FieldError.invalid(f"{path}.message", each.message, "message must not contain line breaks"))
    _one_of(each.reason, REASONS, f"{path}.reason", errors)


def _annotations(obj: Any, has_params: bool, variables: Variables, errors: Errors) -> None:
    declared, seen = obj.spec.auditAnnotations or (), set()
    if len(declared) > MOST_ANNOTATIONS:
        text = f"must not have more than {MOST_ANNOTATIONS} auditAnnotations"
        errors.append(FieldError.invalid("spec.auditAnnotations", list(declared), text))
    for index, each in enumerate(declared):
        path = f"spec.auditAnnotations[{index}]"
        key = f"{obj.metadata.name}/{each.key or ''}"
        errors += [FieldError.invalid(f"{path}.key", key, text) for text in names.qualified_name(key)]
        text = (each.valueExpression or "").strip()
        if not text:
            errors.append(FieldError.required(f"{path}.valueExpression", "valueExpression is not specified"))
        elif len(text) > LONGEST_VALUE:
            why = f"must not exceed {LONGEST_VALUE} bytes in length"
            errors.append(FieldError.required(f"{path}.valueExpression", why))
        else:
            options = {"has_params": has_params, "variables": variables}
            _compiles(text, f"{path}.valueExpression", errors, wanted=(STRING, NULL), **options)
        if each.key in seen:
            errors.append(FieldError.duplicate(f"{path}.key", each.key))
        seen.add(each.key)


def mutating_policy(obj: Any, errors: Errors) -> None:
    """A MutatingAdmissionPolicy: all expressions compile, and make what they are for."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec
    if spec is None:
        errors.append(FieldError.required("spec.matchConstraints"))
        return
    variables = _common(spec, errors, True)
    if not spec.mutations:
        errors.append(FieldError.required("spec.mutations", "mutations must contain at least one item"))
    for index, each in enumerate(spec.mutations or ()):
        _mutation(each, f"spec.mutations[{index}]", spec.paramKind is not None, variables, errors)
    if not spec.reinvocationPolicy:
        errors.append(FieldError.required("spec.reinvocationPolicy"))
    else:
        _one_of(spec.reinvocationPolicy, REINVOCATION, "spec.reinvocationPolicy", errors)


def update_mutating_policy(new: Any, old: Any, errors: Errors) -> None:
    """A changed policy."""
    mutating_policy(new, errors)


def _mutation(each: Any, path: str, has_params: bool, variables: Variables, errors: Errors) -> None:
    kind = each.patchType
    if not kind:
        errors.append(FieldError.required(f"{path}.patchType"))
        return
    _one_of(kind, PATCH_TYPES, f"{path}.patchType", errors)
    if kind not in PATCH_TYPES:
        return
    own, other = ("applyConfiguration", "jsonPatch")[:: 1 if kind == "ApplyConfiguration" else -1]
    if getattr(each, other) is not None:
        text = f"must not be specified when patchType is {kind}"
        errors.append(FieldError.forbidden(f"{path}.{other}", text))
    part = getattr(each, own)
    if part is None:
        errors.append(FieldError.required(f"{path}.{own}", f"must be specified when patchType is {kind}"))
        return
    text = part.expression or ""
    if not text.strip():
        errors.append(FieldError.required(f"{path}.{own}.expression", "expression is not specified"))
        return
    wanted = (OBJECT,) if kind == "ApplyConfiguration" else (PATCHES,)
    options = {"has_params": has_params, "variables": variables, "mutates": True}
    _compiles(text, f"{path}.{own}.expression", errors, wanted=wanted, **options)


# --- bindings


def validating_binding(obj: Any, errors: Errors) -> None:
    """A ValidatingAdmissionPolicyBinding."""
    mutating_binding(obj, errors)
    if obj.spec is None:
        return
    path, actions = "spec.validationActions", obj.spec.validationActions or ()
    for index, each in enumerate(actions):
        _one_of(each, ACTIONS, f"{path}[{index}]", errors)
        if each in actions[:index]:
            errors.append(FieldError.duplicate(f"{path}[{index}]", each))
    if "Deny" in actions and "Warn" in actions:
        errors.append(FieldError.invalid(path, list(actions), TOGETHER))
    if not actions:
        errors.append(FieldError.required(path, "at least one validation action is required"))


def update_validating_binding(new: Any, old: Any, errors: Errors) -> None:
    """A changed binding."""
    validating_binding(new, errors)


def mutating_binding(obj: Any, errors: Errors) -> None:
    """A MutatingAdmissionPolicyBinding."""
    object_meta(obj.metadata, False, names.subdomain_name, errors)
    spec = obj.spec
    if spec is None or not spec.policyName:
        errors.append(FieldError.required("spec.policyName"))
    else:
        found = names.subdomain_name(spec.policyName)
        errors += [FieldError.invalid("spec.policyName", spec.policyName, text) for text in found]
    if spec is not None:
        _param_ref(spec.paramRef, "spec.paramRef", errors)
        # The server has this typing error in its path.
        _matched(spec.matchResources, "spec.matchResouces", errors)


def update_mutating_binding(new: Any, old: Any, errors: Errors) -> None:
    """A changed binding."""
    mutating_binding(new, errors)


def _param_ref(ref: Any, path: str, errors: Errors) -> None:
    if ref is None:
        return
    if ref.name:
        errors += [FieldError.invalid(f"{path}.name", ref.name, text) for text in names.path_segment(ref.name)]
        if ref.selector is not None:
            errors.append(FieldError.forbidden(f"{path}.name", EXCLUSIVE))
    if ref.selector is not None:
        label_selector(ref.selector, f"{path}.selector", errors)
        if ref.name:
            errors.append(FieldError.forbidden(f"{path}.selector", EXCLUSIVE))
    if not ref.name and ref.selector is None:
        errors.append(FieldError.required(path, "one of name or selector must be specified"))
    place = f"{path}.parameterNotFoundAction"
    if not ref.parameterNotFoundAction:
        errors.append(FieldError.required(place))
    else:
        _one_of(ref.parameterNotFoundAction, ("Deny", "Allow"), place, errors)
