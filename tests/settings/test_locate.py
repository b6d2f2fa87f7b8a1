"""Which settings file is meant."""


def test_a_named_file_comes_first(desk):
    desk.write("[cycle]\ndeadline = 1\n")
    named = desk.write("[cycle]\ndeadline = 2\n", "named.toml")

    assert desk.load(path=named, environ={"TGEWATCH_SETTINGS": "other"}).cycle.deadline == 2


def test_then_the_one_in_the_environment(desk):
    desk.write("[cycle]\ndeadline = 1\n")
    desk.write("[cycle]\ndeadline = 2\n", "other.toml")

    assert desk.load(environ={"TGEWATCH_SETTINGS": "other.toml"}).cycle.deadline == 2


def test_then_the_working_folder_then_the_users_own(desk):
    (desk.folders.config / "tgewatch.toml").write_text("[cycle]\ndeadline = 3\n")

    assert desk.load().cycle.deadline == 3
    assert desk.load("[cycle]\ndeadline = 1\n").cycle.deadline == 1


def test_a_named_file_that_is_not_there_is_an_error_and_nothing_else_is_taken(desk):
    desk.write("")

    assert desk.problems(environ={"TGEWATCH_SETTINGS": "nope.toml"}) == [
        "nope.toml: the settings file does not exist (from TGEWATCH_SETTINGS)"
    ]
    assert "is a folder" in desk.problems(path=desk.cwd)[0]
