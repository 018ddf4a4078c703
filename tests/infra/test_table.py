"""The table that Terraform makes is the one that the code makes on a stand-in."""

from typing import Final

from service.adapters.dynamodb.opening import table_request
from service.adapters.table.schema import INDEXES, TTL
from tests.support.policies import rights_of_role
from tests.support.terraform_files import FUNCTIONS, Module

TABLE: Final = Module("broker").resource("aws_dynamodb_table")
WANTED: Final = table_request("broker")


def test_the_attributes_of_keys_are_those_of_the_schema() -> None:
    wanted = [
        (each["AttributeName"], each["AttributeType"]) for each in WANTED["AttributeDefinitions"]
    ]

    assert sorted((each["name"], each["type"]) for each in TABLE["attribute"]) == sorted(wanted)


def test_the_keys_are_those_of_the_schema() -> None:
    assert [TABLE["hash_key"], TABLE["range_key"]] == [
        each["AttributeName"] for each in WANTED["KeySchema"]
    ]


def test_the_indexes_are_those_of_the_schema() -> None:
    made = {
        each["name"]: (
            each["hash_key"],
            each["range_key"],
            each["projection_type"],
            each["non_key_attributes"],
        )
        for each in TABLE["global_secondary_index"]
    }

    assert made == {each.name: (each.pk, each.sk, "INCLUDE", list(each.also)) for each in INDEXES}


def test_roles_name_every_index_and_no_other() -> None:
    places = {right.resource for each in FUNCTIONS for right in rights_of_role(each)}
    named = {place.rpartition("/")[2] for place in places if place.startswith("table/index/")}

    assert named == {each.name for each in INDEXES}


def test_items_expire_by_the_attribute_of_the_schema() -> None:
    assert TABLE["ttl"] == [{"enabled": True, "attribute_name": TTL}]


def test_the_table_is_paid_by_use_and_encrypted_with_a_key_of_its_own() -> None:
    assert TABLE["billing_mode"] == WANTED["BillingMode"]
    assert TABLE["server_side_encryption"][0]["kms_key_arn"] == "${aws_kms_key.this.arn}"
